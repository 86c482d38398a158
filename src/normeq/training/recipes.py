"""Recipes by name."""

from __future__ import annotations

from collections.abc import Mapping
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

# For longer trainings: the rate of each variant that was best at so many training pixels (FDnCNN of 20 layers
# of 64 channels, three rates and a parabola on held-out images, docs/training.md). It falls with the length.
TUNED = FAST | {"batch": 16, "patch": 64}
TUNED_PIXELS = 2500 * 16 * 64**2
TUNED_RATES = {"ordinary": 0.0046, "scale": 0.0040, "norm": 0.0061, "wrapped": 0.0041, "invariant": 0.0070}

NAMES = ("paper", "fast", "tuned")


def preset(name: str, variant: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of :class:`normeq.training.spec.Recipe` that a named recipe sets for one variant.

    Args:
        name: of the recipe.
        variant: key of the variant.
        given: fields that are set beside it; what ``tuned`` sets depends on the length.

    Raises:
        NormeqError: unknown name, of the recipe or of the variant; ``tuned`` without a number of steps, or
            for a variant whose rate was not tuned.
    """
    if name == "paper":
        return dict(get_variant(variant).published_recipe)
    if name == "fast":
        return dict(FAST)
    if name == "tuned":
        return TUNED if "lr" in given else TUNED | {"lr": _tuned_rate(variant, TUNED | given)}
    raise NormeqError(f"recipe: preset must be one of {', '.join(NAMES)}, not {name!r}")


def _tuned_rate(variant: str, recipe: Mapping[str, Any]) -> float:
    """The rate of a variant for a length, by the fourth root of the pixels, to two digits."""
    if variant not in TUNED_RATES:
        raise NormeqError(f"recipe: the preset tuned knows no rate for the variant {variant}: give lr")
    numbers = [recipe.get(key) for key in ("steps", "batch", "patch")]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise NormeqError("recipe: the rate of the preset tuned depends on the length: give steps, or lr")
    steps, batch, patch = numbers
    rate = TUNED_RATES[variant] * (TUNED_PIXELS / (steps * batch * patch**2)) ** 0.25
    return float(f"{rate:.2g}")
