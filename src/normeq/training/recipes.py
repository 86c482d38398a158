"""Recipes by name."""

from __future__ import annotations

from typing import Any

from normeq.errors import NormeqError
from normeq.nn.variants import get_variant

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
        NormeqError: unknown name, of the recipe or of the variant.
    """
    if name == "paper":
        return dict(get_variant(variant).published_recipe)
    if name == "fast":
        return dict(FAST)
    raise NormeqError(f"recipe: preset must be one of {', '.join(NAMES)}, not {name!r}")
