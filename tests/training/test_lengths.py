"""Which trainings make a series of lengths."""

import pytest

from normeq.training.lengths import can_be_fitted, series
from normeq.training.spec import RunSpec


def spec(steps: int, variant: str = "norm", **recipe) -> RunSpec:
    network = {"name": f"net{steps}", "architecture": "fdncnn", "depth": 4, "channels": 8}
    recipe = {"steps": steps, "warmup": 5, "lr": 1 / steps, "holdout": 1} | recipe
    return RunSpec.from_dict(
        {"network": network, "variant": variant, "dataset": "d", "sigma": 25, "seed": 0, "recipe": recipe}
    )


def test_names_rates_and_seeds_do_not_part_a_series_and_batches_do():
    assert series(spec(100)) == series(spec(400)) != series(spec(400, batch=3))


@pytest.mark.parametrize(
    ("runs", "fit"),
    [
        ([spec(n) for n in (100, 400, 1600, 6400)], True),
        ([spec(n) for n in (100, 400, 1600)], False),  # as many points as parameters
        ([spec(n, v) for n in (100, 400, 1600) for v in ("norm", "scale")], True),
        ([*(spec(n) for n in (100, 400, 1600)), spec(6400, batch=3)], False),
        ([spec(n) for n in (20, 100, 400, 1600)], False),  # the first is warm-up to a quarter
        ([spec(n) for n in (100, 400)], False),
    ],
)
def test_a_fit_needs_more_points_than_parameters(runs, fit):
    assert can_be_fitted(runs) == fit
