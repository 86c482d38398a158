"""What one training run is: network, variant, noise level, data set, seed and recipe.

A run is addressed by its content. Its name ends in a fingerprint of everything that decides the weights, so
a changed recipe is another run in another folder, and a comment or a renamed file is not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from normeq.errors import NormeqError
from normeq.nn import build_network, get_variant

# Raised by hand when a change of the code alters the weights that a recipe gives.
TRAINER_VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        steps: optimiser steps.
        batch: patches per step.
        patch: side of the square patches, in pixels.
        optimizer: ``adam``.
        lr: (peak) learning rate.
        schedule: ``constant``, ``cosine`` (to zero), or ``halve`` (halved every ``halve_every`` steps).
        warmup: steps over which the learning rate rises linearly from zero.
        halve_every: see ``schedule``.
        loss: ``mse`` or ``l1``, on images in [0,1].
        precision: ``float32``, or ``bfloat16`` for autocast in the network (weights stay float32).
        holdout: training images (the last ones by name) kept out and used to log a validation PSNR.
        validate_every: steps between validations; 0 for at the end only.
    """

    steps: int
    batch: int = 128
    patch: int = 70
    optimizer: str = "adam"
    lr: float = 1e-4
    schedule: str = "constant"
    warmup: int = 0
    halve_every: int = 100_000
    loss: str = "mse"
    precision: str = "float32"
    holdout: int = 0
    validate_every: int = 0

    def __post_init__(self) -> None:
        choices = {
            "optimizer": ("adam",),
            "schedule": ("constant", "cosine", "halve"),
            "loss": ("mse", "l1"),
            "precision": ("float32", "bfloat16"),
        }
        for key, known in choices.items():
            if getattr(self, key) not in known:
                raise NormeqError(
                    f"recipe: {key} must be one of {', '.join(known)}, not {getattr(self, key)!r}"
                )
        least = {
            "steps": 1,
            "batch": 1,
            "patch": 8,
            "warmup": 0,
            "halve_every": 1,
            "holdout": 0,
            "validate_every": 0,
        }
        for key, low in least.items():
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise NormeqError(f"recipe: {key} must be a whole number of at least {low}, not {value!r}")
        if isinstance(self.lr, bool) or not isinstance(self.lr, int | float) or not 0 < self.lr < 10:
            raise NormeqError(f"recipe: lr must be a number above 0 and below 10, not {self.lr!r}")

    @property
    def pixels(self) -> int:
        """Training pixels seen in all."""
        return self.steps * self.batch * self.patch**2


@dataclass(frozen=True)
class RunSpec:
    """One training run.

    Attributes:
        network: ``name`` (for tables), ``architecture``, and the options of the architecture.
        variant: ordinary, scale, norm or wrapped.
        dataset: name in the data registry.
        sigma: noise level in 8-bit units, or a range [low, high] drawn uniformly per patch.
        seed: decides initial weights, patches, augmentation and noise.
        recipe: see :class:`Recipe`.
    """

    network: dict[str, Any]
    variant: str
    dataset: str
    sigma: float | tuple[float, float]
    seed: int
    recipe: Recipe = field(default_factory=lambda: Recipe(steps=500_000))

    def __post_init__(self) -> None:
        get_variant(self.variant)
        low, high = self.sigma_range
        if not 0 <= low <= high <= 255:
            raise NormeqError(
                f"sigma must lie between 0 and 255 (8-bit units), low before high; got {self.sigma}"
            )
        for key in ("name", "architecture"):
            if not isinstance(self.network.get(key), str):
                raise NormeqError(f"network: the key {key!r} is missing")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise NormeqError(f"seed must be a whole number of at least 0, not {self.seed!r}")

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
        options = {k: v for k, v in self.network.items() if k not in ("name", "architecture")}
        return build_network(self.network["architecture"], self.variant, **options)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; :meth:`from_dict` takes it back."""
        out = asdict(self)
        out["sigma"] = list(self.sigma) if isinstance(self.sigma, tuple) else self.sigma
        return out

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunSpec:
        """Read a run from a mapping.

        Raises:
            NormeqError: unknown or missing keys, or bad values, each named.
        """
        if not isinstance(data, dict):
            raise NormeqError("a run is a mapping with the keys " + ", ".join(f.name for f in fields(cls)))
        data = dict(data)
        recipe = data.get("recipe")
        if not isinstance(recipe, dict):
            raise NormeqError("run: the key 'recipe' is missing or not a mapping")
        _check_keys("recipe", recipe, Recipe, required=("steps",))
        required = tuple(f.name for f in fields(cls))
        _check_keys("run", data, cls, required=required)
        sigma = data["sigma"]
        sigma = tuple(map(float, sigma)) if isinstance(sigma, list | tuple) else float(sigma)
        return cls(**{**data, "sigma": sigma, "recipe": Recipe(**recipe)})

    def fingerprint(self, data_pin: str) -> str:
        """SHA-256 (hex) over everything that decides the weights.

        Args:
            data_pin: identifies the content of the data set, see :func:`normeq.data.registry.pin`.
        """
        content = self.to_dict() | {"data_pin": data_pin, "trainer": TRAINER_VERSION}
        content["network"] = {k: v for k, v in self.network.items() if k != "name"}
        content["recipe"].pop("validate_every")  # only logs
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def name(self, data_pin: str) -> str:
        """Folder name of the run: ``<network>-<variant>-sigma<σ>-seed<seed>-<key>``."""
        key = self.fingerprint(data_pin)[:8]
        return f"{self.network['name']}-{self.variant}-sigma{self.sigma_label}-seed{self.seed}-{key}"


def _check_keys(where: str, data: dict[str, Any], cls: type, required: tuple[str, ...]) -> None:
    known = [f.name for f in fields(cls)]
    for key in data:
        if key not in known:
            raise NormeqError(f"{where}: unknown key {key!r}; known keys are {', '.join(known)}")
    for key in required:
        if key not in data:
            raise NormeqError(f"{where}: the key {key!r} is missing")
