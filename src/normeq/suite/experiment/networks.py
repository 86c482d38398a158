"""The networks of a config: which are to be trained, which come with their weights, and which are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from normeq.denoisers import pretrained as shipped
from normeq.denoisers.foreign.spec import ImportedSpec, spec_of
from normeq.errors import NormeqError
from normeq.training.spec import RunSpec


def trained(run: str) -> bool:
    """Whether the weights of a run are there."""
    return Path("results/runs", run, "model.safetensors").is_file()


def logged(run: str) -> bool:
    """Whether the log of a run's training is there."""
    return Path("results/runs", run, "train.jsonl").is_file()


def trainings(config: dict[str, Any]) -> list[tuple[RunSpec, str]]:
    """Every training of the config, and what to do where it is missing (``train`` or ``skip``).

    Raises:
        NormeqError: networks without a way to train them, or two of one name.
    """
    if not config["networks"]:
        return []
    if "train" not in config:
        raise NormeqError(
            "config: the key 'train' is missing (networks are named, but not how to train them)"
        )
    train = config["train"]
    for number, network in enumerate(config["networks"]):
        if "sigmas" not in network and "sigmas" not in train:
            raise NormeqError(
                f"config: train: the key 'sigmas' is missing (networks[{number}] names none of its own)"
            )
    options: dict[str, dict[str, Any]] = {}
    for number, network in enumerate(config["networks"]):
        own = _options(network)
        if options.setdefault(network["name"], own) != own:
            raise NormeqError(
                f"config: networks[{number}]: {network['name']} is the name of another network too; tables "
                "know networks by name"
            )
    return [
        (
            RunSpec.from_dict(
                {
                    "network": _options(network),
                    "variant": variant,
                    "dataset": train["dataset"],
                    "sigma": sigma,
                    "seed": seed,
                    "recipe": train["recipe"] | network.get("recipe", {}),
                }
                | ({"noise": train["noise"]} if "noise" in train else {})
            ),
            network.get("missing", train["missing"]),
        )
        for network in config["networks"]
        for sigma in network.get("sigmas") or train["sigmas"]
        for seed in network.get("seeds", train["seeds"])
        for variant in network.get("variants", config["variants"])
    ]


def _options(network: dict[str, Any]) -> dict[str, Any]:
    """The network itself, without how it is trained."""
    training = ("variants", "recipe", "sigmas", "seeds", "missing")
    return {key: value for key, value in network.items() if key not in training}


def pretrained(config: dict[str, Any]) -> dict[str, RunSpec | ImportedSpec]:
    """What the pretrained networks were trained as, and imported ones as far as it is known."""
    return {name: spec_of(shipped.description(name)) for name in config["trained"]}


def kind_of(spec: RunSpec | ImportedSpec) -> tuple[str, str, str]:
    """What tells networks apart in tables and figures, seeds left aside."""
    return spec.network["name"], spec.variant, spec.sigma_label


def check_pretrained(config: dict[str, Any], runs: dict[str, RunSpec]) -> None:
    """Refuse pretrained networks that are not there, or would be taken for other networks of the config.

    Raises:
        NormeqError: the line names the network and the remedy.
    """
    known = shipped.names()
    for name in config["trained"]:
        if name not in known and not shipped.is_imported(name):
            raise NormeqError(f"config: trained: {shipped.unknown(name)}, or one made by `normeq import`")
        if Path(name).name in config["denoisers"]:
            raise NormeqError(f"config: denoisers: {name} is the name of a trained network; choose another")
        if Path(name).name in config["evaluate"].get("certificate", {}).get("classical", []):
            raise NormeqError(
                f"config: trained: {name} would be taken for the classical denoiser {Path(name).name}: "
                "import it under another name, or leave that out of evaluate.certificate.classical"
            )
    ends = [Path(name).name for name in config["trained"]]
    for end in ends:
        if ends.count(end) > 1:
            raise NormeqError(
                f"config: trained: two networks are called {end}; import one under another name"
            )
    taken = {kind_of(spec): run for run, spec in runs.items()}
    for name, spec in pretrained(config).items():
        if kind_of(spec) in taken:
            raise NormeqError(
                f"config: trained: {name} would be taken for {taken[kind_of(spec)]}: both are called "
                f"{spec.network['name']}, {spec.variant}, trained at {spec.sigma_label}; leave one out"
            )
        taken[kind_of(spec)] = name
