"""What a campaign has still to do: trainings and measurements of configs, in their order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from normeq.errors import NormeqError
from normeq.suite.campaign.queue import Job
from normeq.suite.config.resolve import resolve
from normeq.suite.config.yaml_files import load_yaml
from normeq.suite.experiment.experiment import Experiment
from normeq.suite.experiment.read import check_networks, read_experiment
from normeq.suite.experiment.settings import config_schema
from normeq.training.loop import completed_run


def read_config(path: Path, data_dir: Path | None = None) -> Experiment:
    """The experiment of a config file.

    Args:
        path: YAML.
        data_dir: folder of the data sets, in place of the config's.

    Raises:
        NormeqError: the file cannot be read or its content is not a config; the key is named.
    """
    try:
        config = load_yaml(path.read_bytes(), path)
    except OSError as error:
        raise NormeqError(f"{path}: {error.strerror}") from None
    if not isinstance(config, dict):
        raise NormeqError(f"{path}: not a config (a mapping with experiment, networks, …)")
    resolved = resolve(config, yaml.safe_load(config_schema()))
    if data_dir is not None:
        resolved["data"]["dir"] = str(data_dir)
    experiment = read_experiment(resolved)
    check_networks(experiment)
    return experiment


def check_data(experiments: Sequence[Experiment], measured: bool) -> None:
    """See that the data sets are in place, before hours of work.

    Args:
        experiments: of the campaign.
        measured: whether those of the measurements are needed too.

    Raises:
        NormeqError: some are not; all are named, with the command that places them.
    """
    missing: dict[str, None] = {}
    for experiment in experiments:
        needed = [spec.dataset for run, spec in experiment.runs.items() if not is_trained(experiment, run)]
        if measured:
            needed += [dataset for kind in experiment.measurements for dataset in experiment.datasets(kind)]
        for dataset in needed:
            folders = experiment.folders(dataset)
            if not all(Path(experiment.data_dir, folder).is_dir() for folder in folders):
                missing[dataset] = None
    if missing:
        names = " ".join(missing)
        raise NormeqError(f"data sets are not in place: run `normeq data get {names}`")


def is_trained(experiment: Experiment, run: str) -> bool:
    """Whether a run is complete, and is the one that the config names.

    Raises:
        NormeqError: another run, or other weights, lie in its folder.
    """
    spec = experiment.runs[run]
    fingerprint = spec.fingerprint(experiment.pins[spec.dataset])
    return completed_run(Path("results/runs", run), fingerprint) is not None


def trainings(experiments: Sequence[Experiment], device: str, threads: int) -> list[Job]:
    """Runs that are not complete, each once, in the order of the configs."""
    jobs: dict[str, Job] = {}
    for experiment in experiments:
        for run, spec in experiment.runs.items():
            if run in jobs or is_trained(experiment, run):
                continue
            text = json.dumps(spec.to_dict(), sort_keys=True)
            out, data = f"results/runs/{run}", experiment.data_dir
            words = ("train", text, "--out", out, "--data-dir", data)
            jobs[run] = Job(run, (*words, "--device", device, "--threads", str(threads)))
    return list(jobs.values())


def missing_parts(experiment: Experiment, run: str) -> dict[str, str]:
    """Measurement -> file, of what the config asks of a run, is not there, and no collected table holds."""
    from normeq.suite.measuring.collected import read_collected

    found: dict[str, str] = {}
    for kind in experiment.measurements:
        part = experiment.part(kind, f"runs/{run}")
        table = f"results/{experiment.name}/{kind}"
        held = read_collected(f"{table}.csv", f"results/{experiment.name}/.made/{kind}").parts
        if part in experiment.parts(kind) and part not in held and not Path(part).is_file():
            found[kind] = part
    return found


def measurements(
    experiments: Sequence[tuple[Path, Experiment]], device: str, threads: int
) -> tuple[list[Job], list[str]]:
    """Runs with measurements to be made, in the order of the configs; and those that are not trained."""
    jobs, untrained = [], []
    for path, experiment in experiments:
        for run in experiment.runs:
            if not is_trained(experiment, run):
                untrained.append(run)
            elif missing_parts(experiment, run):
                words = ("measure", str(path), run, "--data-dir", experiment.data_dir)
                name = f"{run}, measurements of {experiment.name}"
                jobs.append(Job(name, (*words, "--device", device, "--threads", str(threads))))
    return jobs, untrained
