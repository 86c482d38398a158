"""From a config to the work: which runs are trained, what is measured on each, and the names of the files.

Names carry content. A run's folder ends in the fingerprint of all that decides its weights; a measurement's
file ends in the fingerprint of its settings and data. So whether something must be computed can be read off
the file names, also in a fresh clone, where files have arbitrary times and no workflow has run yet.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from normeq.denoisers import pretrained as shipped
from normeq.denoisers import sources
from normeq.denoisers.foreign.spec import ImportedSpec, spec_of
from normeq.errors import NormeqError
from normeq.imaging.protocol import FAR, get_protocol
from normeq.nn.variants import get_variant
from normeq.suite.config.settings import Settings
from normeq.suite.data import registry
from normeq.suite.experiment.checks import check_claims, check_evaluate, check_images, check_levels
from normeq.suite.measuring.registry import Measurement, all_measurements
from normeq.training.lengths import can_be_fitted
from normeq.training.spec import RunSpec


@dataclass(frozen=True)
class Experiment:
    """An experiment, made by :func:`read_experiment`.

    Attributes:
        name: folder name under ``results/`` and ``figures/``.
        config: the resolved config.
        runs: folder name under ``results/runs/`` -> what to train.
        pins: data set -> what identifies its content.
    """

    name: str
    config: dict[str, Any]
    runs: dict[str, RunSpec]
    pins: dict[str, str]

    @property
    def data_dir(self) -> str:
        return self.config["data"]["dir"]

    @cached_property
    def denoisers(self) -> dict[str, str]:
        """Folder below ``results/`` that holds its measurements -> DENOISER as the command line takes it."""
        folder = f"{self.name}/denoisers"
        runs = {f"runs/{run}": f"results/runs/{run}" for run in self.runs}
        others = {f"{folder}/{Path(name).name}": name for name in self.config["trained"]}
        own = {f"{folder}/{name}": f"{name}={target}" for name, target in self.config["denoisers"].items()}
        return runs | others | own

    @cached_property
    def measured(self) -> dict[str, str]:
        """:attr:`denoisers`, and the classical ones that the certificate compares them with."""
        classical = self.config["evaluate"].get("certificate", {}).get("classical", [])
        extra = [name for name in classical if name not in self.config["denoisers"]]
        folder = f"{self.name}/denoisers"
        return self.denoisers | {f"{folder}/{name}": f"{name}=normeq.classical:{name}" for name in extra}

    def is_network(self, folder: str) -> bool:
        """Whether it is one of our networks; otherwise a user's own denoiser."""
        return "=" not in self.measured[folder]

    def may_have_derivatives(self, folder: str) -> bool:
        """Whether PyTorch may be able to differentiate it: networks, and what is no plain function."""
        return self.is_network(folder) or sources.may_be_module(self.measured[folder].partition("=")[2])

    def source_file(self, folder: str) -> str | None:
        """File that a user's own denoiser comes from; None for installed modules and for networks."""
        return sources.source_file(self.measured[folder].partition("=")[2])

    @property
    def protocol(self) -> str:
        """The protocol of the measurements that follow it, such as ``paper`` or ``paper+laplace``."""
        evaluate = self.config["evaluate"]
        return get_protocol(evaluate["protocol"], evaluate.get("noise", "gaussian")).name

    @cached_property
    def measurements(self) -> dict[str, Measurement]:
        """Those that the config asks for, by name."""
        return {name: kind for name, kind in all_measurements().items() if name in self.config["evaluate"]}

    def settings(self, kind: str) -> Settings:
        """The settings of a measurement, typed."""
        return self._settings[kind]

    @cached_property
    def _settings(self) -> dict[str, Settings]:
        evaluate = self.config["evaluate"]
        return {
            name: kind.settings.model_validate(evaluate[name]) for name, kind in self.measurements.items()
        }

    def shown(self, of: str) -> list[str]:
        """Denoisers in a picture or costly table: of the first network (``first``; of ``each``), first noise
        level and seed every variant (none with ``shown: trained``); then pretrained networks and the
        user's own."""
        others = [folder for folder in self.denoisers if not folder.startswith("runs/")]
        if self.config["shown"] == "trained":
            return others
        first: dict[str, RunSpec] = {}
        for spec in self.runs.values():
            if not first or of == "each":
                first.setdefault(spec.network["name"], spec)
        alike = [
            f"runs/{run}"
            for run, spec in self.runs.items()
            for chosen in [first.get(spec.network["name"])]
            if chosen and (spec.sigma, spec.seed) == (chosen.sigma, chosen.seed)
        ]
        return alike + others

    def compares_variants(self) -> bool:
        """Whether some network is there in several variants."""
        kinds = {_kind(spec) for spec in self.runs.values()}
        kinds |= {_kind(spec) for spec in _shipped(self.config).values()}
        return len(kinds) > len({(network, sigma) for network, _, sigma in kinds})

    def measures_published_metric(self) -> bool:
        """Whether the published metric of equivariance is measured over images and noise levels."""
        return "published" in self.config["evaluate"].get("certificate", {})

    def has_several_noise_levels(self) -> bool:
        """Whether the networks are tested at more than one noise level."""
        return len(self.config["evaluate"]["noise_levels"]["sigmas"]) > 1

    def has_series_of_lengths(self) -> bool:
        """Whether some network is trained at enough lengths, and tested at its noise level."""
        tested = {f"{sigma:g}" for sigma in self.config["evaluate"]["noise_levels"]["sigmas"]}
        return can_be_fitted(spec for spec in self.runs.values() if spec.sigma_label in tested)

    def has_training_logs(self) -> bool:
        """Whether some run has a log of its training, or will have one."""
        return any(logged(run) or not trained(run) for run in self.runs)

    def datasets(self, kind: str) -> list[str]:
        """Data sets that a measurement reads."""
        return self.settings(kind).datasets_read()

    def folders(self, dataset: str) -> tuple[str, ...]:
        """Folders of the data folder that hold a data set."""
        return registry.get(dataset, Path(self.data_dir)).members or (dataset,)

    def _source(self, folder: str) -> str | None:
        """SHA-256 of the weights of a pretrained network, or of all that a user's own denoiser is made of
        (see :func:`normeq.denoisers.sources.planned`); None for runs, whose names say what they are."""
        if folder.startswith("runs/"):
            return None
        name = self.measured[folder]
        if self.is_network(folder):
            return hashlib.sha256(Path(shipped.weights_file(name)).read_bytes()).hexdigest()
        return sources.planned(name.partition("=")[2])

    def _centred(self, folder: str) -> bool:
        """Whether it is one of our networks that have the mean of an image far from zero taken out."""
        spec = self.runs.get(folder.removeprefix("runs/"))
        if spec is not None:
            return get_variant(spec.variant).centred
        name = self.measured.get(folder, "=")
        return "=" not in name and get_variant(shipped.description(name)["variant"]).centred

    def part(self, kind: str, folder: str) -> str:
        """File with one measurement of one denoiser.

        Its name changes with the settings, the data, the weights of a pretrained network, and all that a
        user's own denoiser is made of; where that is not fully known, with each run of the workflow.
        """
        asked = all_measurements()[kind]
        settings = self.config["evaluate"][kind]
        content: dict[str, Any] = {
            "settings": {
                key: value
                for key, value in settings.items()
                if (key, None) not in asked.unkeyed and (key, value) not in asked.unkeyed
            },
            "pins": [self.pins[d] for d in self.datasets(kind)],
        }
        if asked.follows_protocol:
            content["protocol"] = self.protocol
        if asked.revision > 1:
            content["revision"] = asked.revision
        if asked.far and self._centred(folder):
            content["mean_out"] = FAR
        source = self._source(folder)
        if source:
            content["source"] = source
        seen = set()
        while True:
            part = f"results/{folder}/parts/{kind}-{fingerprint(content)}.{asked.suffix}"
            found = None if part in seen else sources.outdated(part)
            if found is None:
                return part
            seen.add(part)
            content["found"] = found

    def parts(self, kind: str) -> list[str]:
        """All files of one measurement."""
        asked = all_measurements()[kind]
        folders = list(self.denoisers) if asked.of == "every" else self.shown(asked.of)
        if kind == "certificate":
            folders = list(self.measured)
        if asked.derivatives:
            folders = [folder for folder in folders if self.may_have_derivatives(folder)]
        return [self.part(kind, folder) for folder in folders]

    def settings_json(self, kind: str) -> str:
        """A measurement's settings, as ``--settings`` of its command takes them."""
        return json.dumps(self.config["evaluate"][kind], sort_keys=True)

    def recorded(self) -> dict[str, Any]:
        """What the results depend on: the config without folders, remote, device and what to do with missing
        networks."""
        shown = {k: v for k, v in self.config.items() if k not in ("data", "device", "gpu")}
        if "train" in shown:
            shown["train"] = {k: v for k, v in shown["train"].items() if k != "missing"}
        return json.loads(json.dumps(shown))

    def record(self) -> str:
        """:meth:`recorded` as YAML."""
        return yaml.safe_dump(self.recorded(), sort_keys=False, allow_unicode=True)

    def record_file(self) -> str:
        """File of :meth:`record`."""
        return f"results/{self.name}/config.yaml"

    def is_recorded(self) -> bool:
        """Whether the file says the same as this config; order of keys and spelling of numbers aside."""
        try:
            return yaml.safe_load(Path(self.record_file()).read_text(encoding="utf-8")) == self.recorded()
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return False


def fingerprint(content: Any) -> str:
    """Eight hex digits that change with ``content`` (JSON-ready), order of keys aside."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


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
    left_out = set()
    for spec, missing in _specs(config):
        name = spec.name(pins[spec.dataset])
        if name in runs:
            raise NormeqError(
                f"config: networks: two runs are called {name}; give each network its own name, "
                "and name each noise level once"
            )
        runs[name] = spec
        if missing == "skip" and not trained(name):
            left_out.add(name)
    _check_trained(config, runs)
    check_levels(evaluate, [*runs.values(), *_shipped(config).values()])
    check_claims(config, known, list(runs.values()), list(_shipped(config).values()))
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


def trained(run: str) -> bool:
    """Whether the weights of a run are there."""
    return Path("results/runs", run, "model.safetensors").is_file()


def logged(run: str) -> bool:
    """Whether the log of a run's training is there."""
    return Path("results/runs", run, "train.jsonl").is_file()


def _specs(config: dict[str, Any]) -> list[tuple[RunSpec, str]]:
    """Every training of the config, and what to do where it is missing (``train`` or ``skip``)."""
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


def _shipped(config: dict[str, Any]) -> dict[str, RunSpec | ImportedSpec]:
    """What the pretrained networks were trained as, and imported ones as far as it is known."""
    return {name: spec_of(shipped.description(name)) for name in config["trained"]}


def _kind(spec: RunSpec | ImportedSpec) -> tuple[str, str, str]:
    """What tells networks apart in tables and figures, seeds left aside."""
    return spec.network["name"], spec.variant, spec.sigma_label


def _check_trained(config: dict[str, Any], runs: dict[str, RunSpec]) -> None:
    known = shipped.names()
    for name in config["trained"]:
        if name not in known and not shipped.is_imported(name):
            raise NormeqError(f"config: trained: {shipped.unknown(name)}, or one made by `normeq import`")
        if Path(name).name in config["denoisers"]:
            raise NormeqError(f"config: denoisers: {name} is the name of a trained network; choose another")
    ends = [Path(name).name for name in config["trained"]]
    for end in ends:
        if ends.count(end) > 1:
            raise NormeqError(
                f"config: trained: two networks are called {end}; import one under another name"
            )
    taken = {_kind(spec): run for run, spec in runs.items()}
    for name, spec in _shipped(config).items():
        if _kind(spec) in taken:
            raise NormeqError(
                f"config: trained: {name} would be taken for {taken[_kind(spec)]}: both are called "
                f"{spec.network['name']}, {spec.variant}, trained at {spec.sigma_label}; leave one out"
            )
        taken[_kind(spec)] = name


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
