"""Learning-rate schedules, as factors of the peak learning rate."""

from __future__ import annotations

import math

from normeq.training.spec import Recipe


def learning_rate_factor(recipe: Recipe, step: int, progress: float) -> float:
    """Factor of the peak learning rate at one optimiser step.

    Args:
        recipe: names the schedule.
        step: number of the step, from 0.
        progress: part of the training behind it, in [0,1): of the steps, or of the minutes.
    """
    rise = min(1.0, (step + 1) / recipe.warmup) if recipe.warmup else 1.0
    if recipe.schedule == "constant":
        return rise
    if recipe.schedule == "halve":
        return rise * 0.5 ** (step // recipe.halve_every)
    if recipe.schedule == "linear":
        return rise * (1 - progress)
    return rise * 0.5 * (1 + math.cos(math.pi * progress))
