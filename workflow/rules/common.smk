# What the other files share: the experiment (read once, mistakes named in one line), and functions of wildcards.
import functools
import hashlib
import json
import os
import re
import sys
from pathlib import Path

import yaml

from normeq.errors import NormeqError
from normeq.suite.claims.registry import claim_kinds
from normeq.suite.config.resolve import resolve
from normeq.suite.config.yaml_files import load_yaml
from normeq.suite.data.registry import find_folder
from normeq.suite.experiment.experiment import fingerprint
from normeq.suite.experiment.read import check_networks, read_experiment
from normeq.suite.figures.registry import figures
from normeq.suite.measuring.collected import read_collected
from normeq.suite.measuring.registry import all_measurements
from normeq.suite.report import POSTER_FIGURES
from normeq.suite.tables.registry import tables
from normeq.system.gpus import count_gpus
from normeq.denoisers.sources import this_run

try:
    for file in workflow.configfiles:  # which Snakemake has read, keeping the last of a key given twice
        load_yaml(Path(file).read_bytes(), file)
    with open(workflow.source_path("../schemas/config.schema.yaml"), encoding="utf-8") as schema:
        EXPERIMENT = read_experiment(resolve(config, yaml.safe_load(schema)))
    check_networks(EXPERIMENT)
except NormeqError as error:
    sys.exit(f"normeq: error: {error}")

this_run()  # in the environment of all jobs: see normeq.denoisers.sources
NAME = EXPERIMENT.name
DATA = EXPERIMENT.data_dir
GPUS = count_gpus()
# GPUs that a job which computes asks of the scheduler. `auto`: what the profile says for every job, as on a cluster, whose login
# node has none; else one where there is one. All other jobs ask for none.
GPU = EXPERIMENT.config["gpu"]
if GPU == "auto":
    by_default = dict(workflow.resource_settings.default_resources or {}).get("gpu", min(GPUS, 1))
    GPU = getattr(by_default, "value", by_default)
# Values printed by others, shown beside ours. They are no input of rules: stamps know their content (see `key`), and Snakemake
# would take braces in the name of a user's folder for wildcards. So it is with the files of users' denoisers.
PUBLISHED = [str(file) for file in sorted((find_folder(Path(DATA)) / "published").glob("*.csv"))]

CONFIG_RECORD = EXPERIMENT.record_file()
CAPTIONS = os.path.relpath(Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent / "report")


wildcard_constraints:
    run=r"[^/]+",
    folder=r"runs/[^/]+|[^/]+/denoisers/[^/]+",
    dataset="|".join(map(re.escape, EXPERIMENT.pins)),
    key="[0-9a-f]{8}",


def refuse(reason):
    """Stop with one line."""
    sys.exit(f"normeq: error: {reason}")


# --- what was made from something else
#
# Tables, figures and pages have names without content. So each has a stamp beside it, written by the same job: a key of what it
# was made from. If the config now asks for something else, the job is forced, whatever was asked for and in a fresh clone too:
# Snakemake itself does not look behind a file that is there, and its own records of earlier runs are not committed.


def stamp(product):
    return f"results/{NAME}/.made/{product}"


def key(product, *kinds, published=False, **more):
    """What a product is made from: measurements, by names that carry content; published values; and more."""
    content = [product, sorted(part for kind in kinds for part in parts(kind)), more]
    if published:
        content += [[Path(f).name, hashlib.sha256(Path(f).read_bytes()).hexdigest()] for f in PUBLISHED]
    return fingerprint(content)


def again(file, when):
    """Have the job of a file run, as `--forcerun` does, if it is part of what was asked for."""
    if when:
        workflow.dag.forcefiles.add(file)
    return []


@functools.cache
def collected(kind, experiment=NAME):
    """What the stamp of a collected table says. It holds more than the key: which parts the table holds, which need not be there
    then, and the table's hash."""
    return read_collected(f"results/{experiment}/{kind}.csv", f"results/{experiment}/.made/{kind}")


def stamped(product, key):
    """Whether a product was made from what the config asks for now."""
    if product in all_measurements():
        return collected(product).key == key
    try:
        return Path(stamp(product)).read_text(encoding="utf-8").strip() == key
    except (OSError, UnicodeDecodeError):
        return False


def made_of(files, product, key, lacking=""):
    """Input function: the files that a product shows. Sees to it that the product is that of the config."""

    def check(wildcards):
        if lacking:
            refuse(f"{product} cannot be made: {lacking}")
        again(stamp(product), not stamped(product, key))
        return files

    return check


# --- data


@functools.cache
def in_place(dataset):
    return all(Path(DATA, folder).is_dir() for folder in EXPERIMENT.folders(dataset))


def placed(dataset):
    """The mark of a data set in place; `ancient`, because its name says all about its content. It is kept with Snakemake's
    records of this machine: the data folder may be read-only, and a clone has other data."""
    where = fingerprint(str(Path(DATA).resolve()))
    mark = f".snakemake/placed/{dataset}-{EXPERIMENT.pins[dataset]}-{where}"
    # It says nothing once a folder is gone.
    again(mark, not in_place(dataset))
    return ancient(mark)


def data_dir(wildcards):
    return DATA


def data_remote(wildcards):
    remote = EXPERIMENT.config["data"]["remote"]
    return ["--remote", remote] if remote else []


def published_option(wildcards):
    return ["--published", str(Path(PUBLISHED[0]).parent)] if PUBLISHED else []


# --- runs


def run_data(wildcards):
    """The data that a run needs: none where it is complete, so that a clone with trained networks trains nothing."""
    if wildcards.run not in EXPERIMENT.runs:
        refuse(f"results/runs/{wildcards.run} is no run of this config")
    folder = Path("results/runs", wildcards.run)
    if (folder / "model.safetensors").is_file() and (folder / "run.json").is_file():
        return []
    return placed(EXPERIMENT.runs[wildcards.run].dataset)


def run_spec(wildcards):
    return json.dumps(EXPERIMENT.runs[wildcards.run].to_dict(), sort_keys=True)


# --- measurements


def denoiser(wildcards):
    return EXPERIMENT.measured[wildcards.folder]


def weights(wildcards):
    """The weights of a run; `ancient`, because names of runs and measurements say what they were made from, and files of a fresh
    clone have arbitrary times."""
    run = wildcards.folder.startswith("runs/")
    return ancient(f"results/{wildcards.folder}/model.safetensors") if run else []


def measured_data(kind):
    """Input function: the data sets that a measurement reads; none where it is there (its name says what it read)."""

    def data(wildcards):
        part = (
            f"results/{wildcards.folder}/parts/{kind}-{wildcards.key}.{EXPERIMENT.measurements[kind].suffix}"
        )
        if workflow.is_main_process and part not in known(kind):
            refuse(f"{part} is no measurement of this config")
        if Path(part).is_file():
            return []
        return [placed(dataset) for dataset in EXPERIMENT.datasets(kind)]

    return data


@functools.cache
def measured_before(kind):
    """Collected tables of all experiments, as they were written; the own one last, since the last one counts."""
    tables = sorted(
        Path("results").glob(f"*/{kind}.csv"), key=lambda table: (table.parent.name == NAME, table)
    )
    return [str(table) for table in tables if not collected(kind, table.parent.name).edited]


def measurement_options(measurement):
    """The protocol, and where a measurement looks for what was measured before, where these count."""

    def options(wildcards):
        protocol = ["--protocol", EXPERIMENT.protocol] if measurement.follows_protocol else []
        own = f"results/{wildcards.folder}/parts"
        before = [*measured_before(measurement.name), own] if measurement.reuses_rows else []
        return [*protocol, *(word for place in before for word in ("--reuse", place))]

    return options


@functools.cache
def parts(kind):
    """Files of one measurement of all denoisers; none where the config leaves it out."""
    return EXPERIMENT.parts(kind) if kind in EXPERIMENT.measurements else []


@functools.cache
def known(kind):
    return frozenset(parts(kind))


def lacking(kind):
    """Why there is nothing to show of a measurement; empty where there is."""
    if kind not in EXPERIMENT.measurements:
        return f"the config has no evaluate.{kind}"
    return "" if parts(kind) else f"evaluate.{kind} can measure none of the config's denoisers"


def long_table(wildcards):
    """What goes into a long table: the parts that are there, and those that it does not hold yet."""
    kind = wildcards.kind
    if collected(kind).edited and workflow.is_main_process:
        print(
            f"normeq: results/{NAME}/{kind}.csv was edited or damaged since it was made; unless you put it back, it is measured again",
            file=sys.stderr,
        )
    needed = [part for part in parts(kind) if part not in collected(kind).parts or Path(part).is_file()]
    return made_of(needed, kind, key(kind, kind), lacking(kind))(wildcards)


def shown(kind):
    """The files that tables and figures of a measurement read: its long table, or pictures of every denoiser."""
    return [f"results/{NAME}/{kind}.csv"] if all_measurements()[kind].columns else parts(kind)


# --- machine


def share(jobs):
    """Threads for each of several like jobs, so that together they fill the machine; on a cluster four, and there all that the
    job was given."""
    cores = workflow.resource_settings.cores
    return cores if cores and workflow.remote_exec else max(1, cores // max(1, jobs)) if cores else 4


def train_threads(wildcards):
    return share(len(EXPERIMENT.runs))


def evaluate_threads(wildcards):
    return share(len(EXPERIMENT.denoisers))


def device(number):
    """Device of the job with that number: Snakemake hands out no device numbers, so jobs take the GPUs in turn."""
    chosen = EXPERIMENT.config["device"]
    return f"cuda:{number % GPUS}" if chosen == "auto" and GPU and GPUS > 1 else chosen


NUMBERS = {
    name: number for names in (EXPERIMENT.runs, EXPERIMENT.measured) for number, name in enumerate(names)
}


def train_device(wildcards):
    return device(NUMBERS[wildcards.run])


def evaluate_device(wildcards):
    return device(NUMBERS[wildcards.folder])


# --- report


def card_key(wildcards):
    part = EXPERIMENT.part("noise_levels", f"runs/{wildcards.run}")
    return key("run_card", published=True, part=part, claims=EXPERIMENT.config["claims"])


def run_table(wildcards):
    """The table with the measurements of a run over noise levels."""
    if wildcards.run not in EXPERIMENT.runs:
        refuse(f"results/runs/{wildcards.run} is no run of this config")
    return made_of(shown("noise_levels"), f"run_card-{wildcards.run}", card_key(wildcards))(wildcards)


def config_record(wildcards):
    return EXPERIMENT.record()


def report_options(wildcards, input):
    """The inputs of the report as options."""
    timings = [
        Path(part).with_suffix(".tsv") for kind in EXPERIMENT.measurements for part in EXPERIMENT.parts(kind)
    ]
    named = [
        *(("--table", table) for table in input.tables if table.endswith(".md")),
        *(("--figure", figure) for figure in input.figures),
        *(("--run", Path(record).parent) for record in input.runs),
        *(("--gallery", part) for part in input.gallery),
        *((f"--{Path(table).stem.replace('_', '-')}", table) for table in input.measured),
        *(("--timing", timing) for timing in timings),
        ("--captions", CAPTIONS),
    ]
    return [str(word) for pair in named for word in pair]
