"""From a resolved config to the experiment, and what is wrong with it, said before any work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from normeq.errors import NormeqError
from normeq.suite.data import registry
from normeq.suite.experiment.checks import check_claims, check_evaluate, check_images, check_levels
from normeq.suite.experiment.experiment import Experiment
from normeq.suite.experiment.networks import check_pretrained, pretrained, trained, trainings
from normeq.training.spec import RunSpec


def read_experiment(config: dict[str, Any]) -> Experiment:
    """Make the experiment of a resolved config (see :func:`normeq.suite.config.resolve.resolve`).

    Raises:
        NormeqError: what a schema cannot see: unknown data sets, a = b, pixels outside the crop, two runs of
            one name, a claim that could never be tested; the message names the key.
    """
    evaluate = config["evaluate"]
    sections = check_evaluate(evaluate)
    used = {
        f"evaluate.{kind}" + (".datasets" if hasattr(settings, "datasets") else ""): settings.datasets_read()
        for kind, settings in sections.items()
    }
    if "train" in config:
        used["train.dataset"] = [config["train"]["dataset"]]
    data_dir = Path(config["data"]["dir"])
    known = registry.load(data_dir)
    for key, names in used.items():
        for name in names:
            if name not in known:
                raise NormeqError(f"config: {key}: unknown data set {name!r}; choose from {', '.join(known)}")
    pins = {name: registry.pin(name, data_dir) for names in used.values() for name in names}
    check_images(sections, known)
    if config["device"] == "cpu" and "tf32" in evaluate.get("certificate", {}).get("dtypes", []):
        raise NormeqError(
            "config: evaluate.certificate.dtypes: tf32 exists on NVIDIA GPUs only, and device is cpu"
        )
    runs: dict[str, RunSpec] = {}
    labels: dict[tuple[object, ...], str] = {}
    left_out = set()
    for spec, missing in trainings(config):
        name = spec.name(pins[spec.dataset])
        label = (spec.network["name"], spec.variant, spec.sigma_label, spec.seed)  # in tables and figures
        if label in labels:
            raise NormeqError(
                f"config: networks: {labels[label]} and {name} would have one name in tables and figures; "
                "give each network its own name, and name each noise level once"
            )
        labels[label] = name
        runs[name] = spec
        if missing == "skip" and not trained(name):
            left_out.add(name)
    check_pretrained(config, runs)
    check_levels(evaluate, [*runs.values(), *pretrained(config).values()])
    check_claims(config, known, list(runs.values()), list(pretrained(config).values()))
    if config["shown"] == "trained" and not config["trained"]:
        raise NormeqError("config: shown: trained, but no networks are named under trained")
    if left_out:
        runs = {name: spec for name, spec in runs.items() if name not in left_out}
        if not runs and not config["denoisers"] and not config["trained"]:
            raise NormeqError(
                "config: train.missing: none of the networks is trained yet; write missing: train, "
                "or put their folders into results/runs"
            )
    if not runs and not config["denoisers"] and not config["trained"]:
        raise NormeqError("config: nothing to evaluate: name networks and train, trained, or denoisers")
    return Experiment(config["experiment"], config, runs, pins)


def check_networks(experiment: Experiment) -> None:
    """Build every network that is still to be trained, without memory, and look for the files of users'
    denoisers, so that a mistake shows before hours of training.

    Raises:
        NormeqError: an option that its architecture does not have, a variant that it cannot be, or a missing
            file.
    """
    for name, target in experiment.config["denoisers"].items():
        file = target.rpartition(":")[0]
        if file.endswith(".py") and not Path(file).is_file():
            raise NormeqError(f"config: denoisers.{name}: no file {file}")
    todo = [s for run, s in experiment.runs.items() if not trained(run)]
    if not todo:
        return
    import torch

    for spec in {json.dumps([s.network, s.variant]): s for s in todo}.values():
        try:
            with torch.device("meta"):
                spec.build()
        except NormeqError as error:
            raise NormeqError(f"config: networks: {spec.network['name']}: {error}") from None
