"""What one training run is: network, variant, noise level, data set, seed and recipe.

A run is addressed by its content. Its name ends in a fingerprint of everything that decides the weights, so
a changed recipe is another run in another folder, and a comment or a renamed file is not.
"""

from __future__ import annotations

import hashlib
import json
import math
import operator
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

from normeq.errors import NormeqError, hint_of_number
from normeq.imaging.noise import DEFAULT, get_noise
from normeq.nn.variants import get_variant
from normeq.training.recipes import preset

# Raised by hand when a change of the code alters the weights that a recipe gives.
TRAINER_VERSION = 2


def _setting(default: Any, **bounds: Any) -> Any:
    """A field with what it may be: ``choices``, or ``ge``, ``gt`` and ``lt`` of a number. Checked in
    :class:`Recipe`, and in the config schema, which is made from these."""
    return field(default=default, metadata=bounds)


@dataclass(frozen=True)
class Recipe:
    """How to train. The length is given by ``steps`` or by ``max_minutes``.

    Attributes:
        steps: optimiser steps.
        max_minutes: wall time into which the whole schedule is fitted, over all slices of a run. How many
            steps that makes depends on the machine; the record of the run says it.
        batch: patches per step.
        patch: side of the square patches, in pixels.
        optimizer: ``adam``, or ``muon`` (Muon for the kernels between hidden layers, Adam for the rest).
        lr: (peak) learning rate; with ``muon`` that of Muon.
        lr_rest: with ``muon``, the (peak) learning rate of Adam.
        schedule: ``constant``, ``cosine`` or ``linear`` (both to zero), or ``halve`` (halved every
            ``halve_every`` steps).
        warmup: steps over which the learning rate rises from zero.
        halve_every: see ``schedule``.
        loss: ``mse`` or ``l1``, on images in [0,1].
        precision: ``float32``, or ``bfloat16`` for autocast in the network (weights stay float32).
        init: initial weights, see :func:`normeq.training.init.initialize`.
        average: decay per step of an exponential moving average of the weights, which is then the result;
            0 for none.
        holdout: training images (the last ones by name) kept out and used to log a validation PSNR.
        validate_every: steps between validations, each made at the next of the 200 lines of the log; 0 for at
            the end only. It asks for a holdout.
        store: format of the weights in the result, ``float32`` or ``float16`` (half the file). Constraints
            are worked out from them in float32 either way, and hold as exactly. Left out of the record and
            the fingerprint where it is float32.
    """

    steps: int | None = _setting(None, ge=1)
    max_minutes: float | None = _setting(None, gt=0)
    batch: int = _setting(128, ge=1)
    patch: int = _setting(70, ge=8)
    optimizer: str = _setting("adam", choices=("adam", "muon"))
    lr: float = _setting(1e-4, gt=0, lt=10)
    lr_rest: float = _setting(1e-3, gt=0, lt=10)
    schedule: str = _setting("constant", choices=("constant", "cosine", "linear", "halve"))
    warmup: int = _setting(0, ge=0)
    halve_every: int = _setting(100_000, ge=1)
    loss: str = _setting("mse", choices=("mse", "l1"))
    precision: str = _setting("float32", choices=("float32", "bfloat16"))
    init: str = _setting("default", choices=("default", "unit"))
    average: float = _setting(0.0, ge=0, lt=1)
    holdout: int = _setting(0, ge=0)
    validate_every: int = _setting(0, ge=0)
    store: str = _setting("float32", choices=("float32", "float16"))

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if value is not None or setting.default is not None:
                _check_setting(setting.name, value, setting.type, setting.metadata)
        if (self.steps is None) == (self.max_minutes is None):
            raise NormeqError("recipe: give either steps or max_minutes")


def _check_setting(key: str, value: Any, kind: str, bounds: Mapping[str, Any]) -> None:
    if "choices" in bounds:
        if value not in bounds["choices"]:
            raise NormeqError(f"recipe: {key} must be one of {', '.join(bounds['choices'])}, not {value!r}")
        return
    whole = kind.startswith("int")
    right = _is_number(value) and (isinstance(value, int) or not whole)
    tests = {"ge": ("at least", operator.ge), "gt": ("above", operator.gt), "lt": ("below", operator.lt)}
    if not right or not all(tests[name][1](value, bound) for name, bound in bounds.items()):
        words = " and ".join(f"{tests[name][0]} {bound:g}" for name, bound in bounds.items())
        number = "a whole number of" if whole else "a number"
        raise NormeqError(f"recipe: {key} must be {number} {words}, not {_seen(value)}")


def _seen(value: object) -> str:
    return f"{value!r}{hint_of_number(value)}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


NAME = r"[A-Za-z0-9][A-Za-z0-9_.]*"  # of a network; the config schema says the same
GREATEST_SEED = 2**64 - 1  # that PyTorch takes; the config schema says the same
OPTIONS = {
    "depth": ("whole", "a whole number above 0"),
    "channels": ("whole", "a whole number above 0"),
    "image_channels": ("whole", "a whole number above 0"),
    "blocks": ("whole", "a whole number above 0"),
    "widths": ("list", "a list of whole numbers above 0, one or more"),
    "noise_map": ("yes", "true or false"),
    "residual": ("yes", "true or false"),
    "batch_norm": ("yes", "true or false"),
    "eps": ("positive", "a number above 0"),
    "dilations": ("list or null", "a list of whole numbers above 0, one or more, or null"),
    "box": ("whole", "a whole number above 0"),
}


@dataclass(frozen=True)
class RunSpec:
    """One training run.

    Attributes:
        network: ``name`` (for tables), ``architecture``, and the options of the architecture.
        variant: a key of :data:`normeq.nn.variants.VARIANTS`.
        dataset: name in the data registry.
        sigma: noise level in 8-bit units, or a range [low, high] drawn uniformly per patch.
        seed: decides initial weights, patches, augmentation and noise; at most :data:`GREATEST_SEED`.
        recipe: see :class:`Recipe`.
        noise: its type, a name of :func:`normeq.imaging.noise.noise_names`; left out of the record, the name
            and the fingerprint where it is Gaussian.
    """

    network: dict[str, Any]
    variant: str
    dataset: str
    sigma: float | tuple[float, float]
    seed: int
    recipe: Recipe
    noise: str = DEFAULT

    def __post_init__(self) -> None:
        if not isinstance(self.variant, str):
            raise NormeqError(f"variant must be a name, not {self.variant!r}")
        get_variant(self.variant)
        if not isinstance(self.dataset, str):
            raise NormeqError(f"dataset must be a name, not {self.dataset!r}")
        levels = self.sigma if isinstance(self.sigma, tuple | list) else (self.sigma,)
        ranged = levels is self.sigma
        if not all(map(_is_number, levels)) or len(levels) != (2 if ranged else 1):
            raise NormeqError(
                f"sigma must be a number, or a range [low, high] of two, not {_seen(self.sigma)}"
            )
        if isinstance(self.sigma, list):
            object.__setattr__(self, "sigma", tuple(map(float, levels)))
        low, high = self.sigma_range
        if not 0 <= low <= high <= 255:
            raise NormeqError(
                f"sigma must lie between 0 and 255 (8-bit units), low before high; got {self.sigma}"
            )
        get_noise(self.noise)
        _check_network(self.network)
        whole = isinstance(self.seed, int) and not isinstance(self.seed, bool)
        if not whole or not 0 <= self.seed <= GREATEST_SEED:
            raise NormeqError(
                f"seed must be a whole number of at least 0 and at most {GREATEST_SEED}, not {self.seed!r}"
            )

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Lowest and highest noise level, in 8-bit units."""
        return self.sigma if isinstance(self.sigma, tuple) else (self.sigma, self.sigma)

    @property
    def sigma_label(self) -> str:
        """``25``, or ``0-55`` for a range."""
        low, high = self.sigma_range
        return f"{low:g}" if low == high else f"{low:g}-{high:g}"

    def build(self):
        """Build the network with freshly initialised weights (see :func:`normeq.nn.build_network`)."""
        from normeq.nn import build_network  # PyTorch, which reading a config need not start

        options = {k: v for k, v in self.network.items() if k not in ("name", "architecture")}
        return build_network(self.network["architecture"], self.variant, **options)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; :meth:`from_dict` takes it back."""
        out = asdict(self)
        if self.noise == DEFAULT:
            del out["noise"]
        if self.recipe.store == "float32":
            del out["recipe"]["store"]
        out["sigma"] = list(self.sigma) if isinstance(self.sigma, tuple) else self.sigma
        return out

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunSpec:
        """Read a run from a mapping. In its recipe, ``preset`` names one of
        :mod:`normeq.training.recipes`, and the other keys replace what it sets.

        Raises:
            NormeqError: unknown or missing keys, or bad values, each named.
        """
        if not isinstance(data, dict):
            raise NormeqError("a run is a mapping with the keys " + ", ".join(f.name for f in fields(cls)))
        data = dict(data)
        recipe = data.get("recipe")
        if not isinstance(recipe, dict):
            raise NormeqError("run: the key 'recipe' is missing or not a mapping")
        recipe = dict(recipe)
        named = recipe.pop("preset", None)
        if named is not None:
            variant = data.get("variant")
            if not isinstance(variant, str):
                raise NormeqError("run: the key 'variant' is missing")
            given = recipe
            recipe = preset(named, get_variant(variant).name, given) | given
            if "max_minutes" in given and "steps" not in given:
                recipe.pop("steps", None)
        _check_keys("recipe", recipe, Recipe)
        required = tuple(f.name for f in fields(cls) if f.default is MISSING)
        _check_keys("run", data, cls, required=required)
        sigma = data["sigma"]  # as floats, which decides the fingerprint; what is no number is refused below
        if isinstance(sigma, tuple | list) and all(map(_is_number, sigma)):
            sigma = tuple(map(float, sigma))
        elif _is_number(sigma):
            sigma = float(sigma)
        return cls(**{**data, "sigma": sigma, "recipe": Recipe(**recipe)})

    def fingerprint(self, data_pin: str) -> str:
        """SHA-256 (hex) over everything that decides the weights.

        Args:
            data_pin: tells the content of the data set, as in
                :class:`normeq.training.images.TrainingImages`.
        """
        content = self.to_dict() | {"data_pin": data_pin, "trainer": TRAINER_VERSION}
        content["network"] = {k: v for k, v in self.network.items() if k != "name"}
        content["recipe"].pop("validate_every")  # only logs
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def name(self, data_pin: str) -> str:
        """Folder name of the run: ``<network>-<variant>-sigma<σ>-seed<seed>-<key>``."""
        key = self.fingerprint(data_pin)[:8]
        noise = "" if self.noise == DEFAULT else f"{self.noise}-"
        return f"{self.network['name']}-{self.variant}-{noise}sigma{self.sigma_label}-seed{self.seed}-{key}"


def _check_network(network: object) -> None:
    """Refuse a network without a name that can be that of a folder, and options of the wrong type. Which
    options an architecture has is for :func:`normeq.nn.build_network`."""
    if not isinstance(network, dict):
        raise NormeqError(f"network must be a mapping with name, architecture and options, not {network!r}")
    for key in ("name", "architecture"):
        if not isinstance(network.get(key), str):
            raise NormeqError(f"network: the key {key!r} is missing")
    if not re.fullmatch(NAME, network["name"]):
        raise NormeqError(
            f"network: the name {network['name']!r} cannot be that of a folder; use letters, digits, _ and ."
        )
    for key, value in network.items():
        kind, words = OPTIONS.get(key, ("any", ""))
        if not _is_of_kind(value, kind):
            raise NormeqError(f"network: {key} must be {words}, not {_seen(value)}")
    if network.get("image_channels", 1) != 1:
        raise NormeqError(
            f"network: image_channels must be 1, not {network['image_channels']}: images are trained on and "
            "measured in gray"
        )


def _is_of_kind(value: object, kind: str) -> bool:
    """Whether an option of a network is what :data:`OPTIONS` asks for."""
    if kind == "whole":
        return type(value) is int and value > 0
    if kind == "positive":
        return _is_number(value) and 0 < value < math.inf
    if kind == "yes":
        return isinstance(value, bool)
    if kind.startswith("list"):
        listed = isinstance(value, list | tuple) and len(value) > 0
        return (value is None and kind == "list or null") or (
            listed and all(_is_of_kind(one, "whole") for one in value)
        )
    return True


def _check_keys(where: str, data: dict[str, Any], cls: type, required: tuple[str, ...] = ()) -> None:
    known = [f.name for f in fields(cls)]
    for key in data:
        if key not in known:
            raise NormeqError(f"{where}: unknown key {key!r}; known keys are {', '.join(known)}")
    for key in required:
        if key not in data:
            raise NormeqError(f"{where}: the key {key!r} is missing")
