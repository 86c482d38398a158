"""The work that an experiment is: what is measured on each denoiser, and the names of the files.

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
from normeq.imaging.protocol import FAR, get_protocol
from normeq.nn.variants import get_variant
from normeq.suite.config.settings import Settings
from normeq.suite.data import registry
from normeq.suite.experiment.networks import kind_of, logged, pretrained, trained
from normeq.suite.measuring.registry import Measurement, all_measurements
from normeq.training.lengths import can_be_fitted
from normeq.training.spec import RunSpec


@dataclass(frozen=True)
class Experiment:
    """An experiment, made by :func:`normeq.suite.experiment.read.read_experiment`.

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
        kinds = {kind_of(spec) for spec in self.runs.values()}
        kinds |= {kind_of(spec) for spec in pretrained(self.config).values()}
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
