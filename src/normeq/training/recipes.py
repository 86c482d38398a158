"""Recipes by name."""

from __future__ import annotations

from typing import Any

from normeq.errors import NormeqError

_PUBLISHED = {"optimizer": "adam", "lr": 1e-4, "schedule": "constant", "batch": 128, "patch": 70}

# The published schedule of each variant (Saied & Fleuret 2026, Table 4 and repository, who trained ordinary,
# scale and norm as Herbreteau et al. 2023 did).
PAPER: dict[str, dict[str, Any]] = {
    "ordinary": _PUBLISHED | {"loss": "l1", "steps": 500_000},
    "scale": _PUBLISHED | {"loss": "l1", "steps": 500_000},
    "norm": _PUBLISHED | {"loss": "mse", "steps": 900_000},
    "wrapped": _PUBLISHED | {"loss": "mse", "steps": 900_000, "schedule": "halve", "halve_every": 100_000},
}

# Found on held-out training images, see docs/training.md. Its length is the
# user's: steps or max_minutes.
FAST: dict[str, Any] = {
    "optimizer": "muon",
    "lr": 0.01,
    "lr_rest": 3e-3,
    "schedule": "linear",
    "warmup": 50,
    "batch": 8,
    "patch": 48,
    "loss": "mse",
    "precision": "bfloat16",
}

NAMES = ("paper", "fast")


def preset(name: str, variant: str) -> dict[str, Any]:
    """Fields of :class:`normeq.training.spec.Recipe` that a named recipe sets for one variant.

    Raises:
        NormeqError: unknown name.
    """
    if name == "paper":
        return dict(PAPER[variant])
    if name == "fast":
        return dict(FAST)
    raise NormeqError(f"recipe: preset must be one of {', '.join(NAMES)}, not {name!r}")
