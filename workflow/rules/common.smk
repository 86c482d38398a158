# What the other files share: the experiment (read once, mistakes named in one line), and functions of wildcards.
import json
import os
import sys
from pathlib import Path

import yaml

from normeq.suite.experiment.config import resolve_config
from normeq.suite.data.registry import find_folder
from normeq.errors import NormeqError
from normeq.suite.experiment.plan import MEASUREMENTS, REUSING, check_networks, read_experiment
from normeq.system.gpus import count_gpus
from normeq.denoisers.sources import this_run

try:
    with open(workflow.source_path("../schemas/config.schema.yaml"), encoding="utf-8") as schema:
        EXPERIMENT = read_experiment(resolve_config(config, yaml.safe_load(schema)))
    check_networks(EXPERIMENT)
except NormeqError as error:
    sys.exit(f"normeq: error: {error}")

this_run()  # in the environment of all jobs: see normeq.denoisers.sources
NAME = EXPERIMENT.name
DATA = EXPERIMENT.data_dir
GPUS = count_gpus()
# GPUs that a job asks of the scheduler.
GPU = min(GPUS, 1) if EXPERIMENT.config["gpu"] == "auto" else EXPERIMENT.config["gpu"]
# Values printed by others, shown beside ours.
PUBLISHED = [str(file) for file in sorted((find_folder(Path(DATA)) / "published").glob("*.csv"))]

CONFIG_RECORD = EXPERIMENT.record_file()
CAPTIONS = os.path.relpath(Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent / "report")


wildcard_constraints:
    run=r"[^/]+",
    folder=r"runs/[^/]+|[^/]+/denoisers/[^/]+",
    dataset="|".join(EXPERIMENT.pins),
    key="[0-9a-f]{8}",


# --- data


def data_dir(wildcards):
    return DATA


def data_remote(wildcards):
    remote = EXPERIMENT.config["data"]["remote"]
    return f"--remote {remote}" if remote else ""


def placed(dataset):
    """The mark of a data set in place; `ancient`, because the pin in its name says all about its content."""
    return ancient(f"{DATA}/.placed/{dataset}-{EXPERIMENT.pins[dataset]}")


def published_option(wildcards):
    return f"--published {Path(PUBLISHED[0]).parent}" if PUBLISHED else ""


# --- runs


def run_data(wildcards):
    """The data that a run needs: none where it is complete, so that a clone with trained networks trains nothing."""
    folder = Path("results/runs", wildcards.run)
    if (folder / "model.safetensors").is_file() and (folder / "run.json").is_file():
        return []
    return placed(EXPERIMENT.runs[wildcards.run].dataset)


def may_have_log(run):
    """Whether a run has a training curve, or will have one."""
    folder = Path("results/runs", run)
    return (folder / "train.jsonl").is_file() or not (folder / "model.safetensors").is_file()


def run_spec(wildcards):
    return json.dumps(EXPERIMENT.runs[wildcards.run].to_dict(), sort_keys=True)


# --- measurements


def denoiser(wildcards):
    return EXPERIMENT.measured[wildcards.folder]


def denoiser_files(wildcards):
    """The weights of a run, or the file of a user's own denoiser; nothing for networks that come trained.

    `ancient`: the names of runs and measurements say what they were made from, and files of a fresh clone have arbitrary
    times.
    """
    if wildcards.folder.startswith("runs/"):
        return ancient(f"results/{wildcards.folder}/model.safetensors")
    source = EXPERIMENT.source_file(wildcards.folder)
    return ancient(source) if source else []


def measured_data(kind):
    """Input function: the data sets that a measurement reads; none where it is there (its name says what it read)."""

    def data(wildcards):
        if Path(EXPERIMENT.part(kind, wildcards.folder)).is_file():
            return []
        return [placed(dataset) for dataset in EXPERIMENT.datasets(kind)]

    return data


def reuse(kind):
    """Where a measurement looks for what was measured before."""
    return "--reuse results/{folder}/parts" if kind in REUSING else ""


def parts(kind):
    """Files of one measurement of all denoisers; none where the config leaves it out (nothing then asks for them)."""
    return EXPERIMENT.parts(kind) if kind in EXPERIMENT.measurements() else []


def parts_of_kind(wildcards):
    return parts(wildcards.kind)


# --- machine


def share(jobs):
    """Threads for each of several like jobs, so that together they fill the machine."""
    return max(1, (workflow.cores or 1) // max(1, jobs))


def train_threads(wildcards):
    return share(len(EXPERIMENT.runs))


def evaluate_threads(wildcards):
    return share(len(EXPERIMENT.denoisers))


def device(number):
    """Device of the job with that number: Snakemake hands out no device numbers, so jobs take the GPUs in turn."""
    chosen = EXPERIMENT.config["device"]
    return f"cuda:{number % GPUS}" if chosen == "auto" and GPU and GPUS > 1 else chosen


def train_device(wildcards):
    return device(list(EXPERIMENT.runs).index(wildcards.run))


def evaluate_device(wildcards):
    return device(list(EXPERIMENT.measured).index(wildcards.folder))


# --- report


def run_table(wildcards):
    """The measurements of one run over noise levels."""
    return EXPERIMENT.part("noise_levels", f"runs/{wildcards.run}")


def config_record(wildcards):
    return EXPERIMENT.record()


def report_options(wildcards, input):
    """The inputs of the report as options."""
    shown = [f"--table {table}" for table in input.tables if table.endswith(".md")]
    shown += [f"--figure {figure}" for figure in input.figures]
    shown += [f"--run {Path(record).parent}" for record in input.runs]
    shown += [f"--gallery {part}" for part in input.gallery]
    shown += [f"--{Path(table).stem.replace('_', '-')} {table}" for table in input.measured]
    timings = [
        f"--timing {Path(part).with_suffix('.tsv')}"
        for kind in EXPERIMENT.measurements()
        for part in EXPERIMENT.parts(kind)
    ]
    return [*shown, *timings, f"--captions {CAPTIONS}"]


# A mark says nothing once its folder is gone.
for dataset, pin in EXPERIMENT.pins.items():
    if not all(Path(DATA, folder).is_dir() for folder in EXPERIMENT.folders(dataset)):
        Path(DATA, ".placed", f"{dataset}-{pin}").unlink(missing_ok=True)
