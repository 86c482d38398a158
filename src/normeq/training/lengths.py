"""Trainings that differ in nothing but their length: which belong together, and which have hardly begun."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from normeq.training.spec import RunSpec

LENGTHS = 3  # of a variant at least, to see how accuracy grows with them
WARM_UP = 0.1  # of the steps at most; a shorter training has hardly begun
OF_LENGTH = ("steps", "max_minutes", "lr", "store", "validate_every", "holdout")  # goes with the length


def series(spec: RunSpec) -> str:
    """What trainings of several lengths, and of several variants, share; seed and name aside."""
    network = {key: value for key, value in spec.network.items() if key != "name"}
    recipe = {key: value for key, value in spec.to_dict()["recipe"].items() if key not in OF_LENGTH}
    return json.dumps([network, spec.dataset, spec.sigma_label, spec.noise, recipe], sort_keys=True)


def has_begun(spec: RunSpec, steps: int) -> bool:
    """Whether a training of so many steps is long enough to be compared with longer ones."""
    return spec.recipe.warmup <= WARM_UP * steps


def enough(points: int, variants: int) -> bool:
    """Whether so many points (a variant and a length each) are more than the fit of so many variants has
    parameters: a limit and a factor each, and one exponent."""
    return points > 2 * variants + 1


def can_be_fitted(specs: Iterable[RunSpec]) -> bool:
    """Whether some series has enough lengths, as far as they are given in steps."""
    found: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for spec in specs:
        steps = spec.recipe.steps
        if steps is not None and has_begun(spec, steps):
            found[series(spec)][spec.variant].add(steps)
    many = [[len(steps) for steps in of.values() if len(steps) >= LENGTHS] for of in found.values()]
    return any(lengths and enough(sum(lengths), len(lengths)) for lengths in many)
