"""Means and intervals: the unit is the image."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from normeq.suite.statistics.means import (
    crossed_interval,
    mean_interval,
    over_images_and_seeds,
    paired,
    per_image,
    summarise,
)

KEYS = ["variant", "dataset"]


def table(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["variant", "dataset", "image", "seed", "draw", "psnr"])


@pytest.mark.parametrize("images", [2, 7, 12, 68])
def test_the_order_of_images_means_nothing(images: int) -> None:
    """Nor do their names, by which tables are sorted."""
    values = np.random.default_rng(0).gamma(2.0, size=images)
    assert mean_interval(values) == mean_interval(values[::-1]) == mean_interval(np.roll(values, 1))


def test_interval_agrees_with_a_bootstrap_written_by_hand() -> None:
    values = np.random.default_rng(3).gamma(2.0, size=40)
    random = np.random.default_rng(9)
    means = values[random.integers(0, 40, size=(20_000, 40))].mean(axis=1)
    # BCa by hand: bias from the share of means below, acceleration from the jackknife.
    bias = scipy_stats.norm.ppf((means < values.mean()).mean())
    jackknife = (values.sum() - values) / 39
    spread = jackknife.mean() - jackknife
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)
    # Percentiles that give a normal sample of 40 its t interval.
    reach = scipy_stats.t.ppf(0.975, 39) * np.sqrt(40 / 39)
    z = bias + np.array([-reach, reach])
    low, high = np.quantile(means, scipy_stats.norm.cdf(bias + z / (1 - acceleration * z)))
    estimate = mean_interval(values)
    assert estimate.mean == pytest.approx(values.mean(), rel=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.03 * (high - low))


@pytest.mark.parametrize("count", [5, 12, 40])
def test_interval_covers_the_true_mean_95_times_in_100(count: int) -> None:
    """Also of twelve images, as Set12 has; a plain BCa interval covers 0.91 there. Binomial error: 0.0073."""
    random = np.random.default_rng(1)
    samples = [mean_interval(random.normal(30, 2, size=count), resamples=999) for _ in range(900)]
    assert 0.928 <= np.mean([s.low <= 30 <= s.high for s in samples]) <= 0.972


def test_a_high_confidence_of_few_images_is_covered_too() -> None:
    """As for the worst of ten intervals (Bonferroni); binomial error: 0.0026."""
    random = np.random.default_rng(2)
    samples = [mean_interval(random.normal(0, 1, size=9), confidence=0.994) for _ in range(900)]
    assert np.mean([s.low <= 0 <= s.high for s in samples]) >= 0.986


def test_few_images_get_an_interval_of_students_t() -> None:
    values = np.random.default_rng(5).normal(30, 1, 4)
    found = mean_interval(values)
    expected = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_same_values_same_bounds_and_order_within_the_interval() -> None:
    values = np.random.default_rng(0).normal(size=12)
    first, second = mean_interval(values), mean_interval(values.tolist())
    assert first == second
    assert first.low < first.mean < first.high
    assert mean_interval(values, confidence=0.5).high < first.high


def test_degenerate_samples() -> None:
    one = mean_interval([31.5])
    assert (one.mean, one.images) == (31.5, 1) and np.isnan([one.low, one.high]).all()
    flat = mean_interval([7.0] * 5)
    assert (flat.low, flat.mean, flat.high) == (7.0, 7.0, 7.0)
    outlier = mean_interval([0.0] * 30 + [1e-9])  # nearly degenerate: still finite
    assert np.isfinite([outlier.low, outlier.high]).all()
    for bad in ([], [1.0, np.nan], [np.inf]):
        with pytest.raises(ValueError, match="finite"):
            mean_interval(bad)


def test_draws_and_seeds_do_not_count_as_images() -> None:
    # Image 0 measured 1 + 3 times in two seeds, image 1 once: draws first, then seeds, then images.
    rows = [("norm", "set12", "0", "0", 0, 10.0)]
    rows += [("norm", "set12", "0", "1", d, 20.0 + d) for d in range(3)]
    rows += [("norm", "set12", "1", "0", 0, 40.0)]
    images = per_image(table(rows), "psnr", KEYS)
    assert images["psnr"].tolist() == [(10 + 21) / 2, 40.0]
    assert images["seeds"].tolist() == [2, 1] and images["draws"].tolist() == [3, 1]
    row = summarise(images, "psnr", KEYS).iloc[0]
    assert (row["mean"], row["images"], row["seeds"], row["draws"]) == (27.75, 2, 2, 3)


def test_more_draws_of_the_same_images_do_not_narrow_the_interval() -> None:
    psnr = np.random.default_rng(2).normal(30, 2, 12)
    few = table([("norm", "set12", str(i), "0", 0, p) for i, p in enumerate(psnr)])
    many = table([("norm", "set12", str(i), "0", d, p) for i, p in enumerate(psnr) for d in range(20)])
    bounds = [
        summarise(per_image(t, "psnr", KEYS), "psnr", KEYS)[["low", "high"]].to_numpy() for t in (few, many)
    ]
    np.testing.assert_allclose(*bounds, atol=1e-3)  # rounding can move a tie among resamples


def test_paired_difference_removes_the_spread_between_images() -> None:
    hard = np.random.default_rng(4).normal(0, 3, 12)
    rows = [("norm", "set12", str(i), "0", 0, 30 + h) for i, h in enumerate(hard)]
    rows += [("scale", "set12", str(i), "0", 0, 29.5 + h + 0.01 * (-1) ** i) for i, h in enumerate(hard)]
    images = per_image(table(rows[::-1]), "psnr", KEYS)
    difference = paired(images, images[images.variant == "norm"], "psnr", ["dataset", "image"])
    summary = summarise(difference, "psnr", KEYS).set_index("variant")
    assert summary.loc["scale", "mean"] == pytest.approx(-0.5)
    assert summary.loc["scale", "high"] - summary.loc["scale", "low"] < 0.02
    assert (summary.loc["norm", ["mean", "low", "high"]] == 0).all()


def crossed(rng, images: int, seeds: int, image: float, seed: float, rest: float) -> np.ndarray:
    return (
        image * rng.standard_normal((images, 1))
        + seed * rng.standard_normal((1, seeds))
        + rest * rng.standard_normal((images, seeds))
    )


@pytest.mark.parametrize(
    ("images", "seeds", "spread"),
    [(12, 3, (0.12, 0.06, 0.02)), (40, 3, (0.1, 0, 0.03)), (20, 6, (0, 0.1, 0.1))],
)
def test_an_interval_over_images_and_seeds_holds_the_mean_as_often_as_it_says(images, seeds, spread) -> None:
    rng = np.random.default_rng(0)
    found = [crossed_interval(crossed(rng, images, seeds, *spread)) for _ in range(1000)]
    held = np.mean([e.low <= 0 <= e.high for e in found])
    assert 0.92 < held < 0.985  # 0.95 ± 4 standard errors of 1000, and what Satterthwaite's t is off


def test_an_interval_over_seeds_alone_is_students_t() -> None:
    """Images that are all alike leave the means of the seeds."""
    seeds = np.array([1.0, 1.4, 0.9])
    estimate = crossed_interval(np.tile(seeds, (5, 1)))
    reach = scipy_stats.ttest_1samp(seeds, 0).confidence_interval().high - seeds.mean()
    assert estimate.high - estimate.mean == pytest.approx(reach)


def test_seeds_widen_an_interval_only_from_three_on_and_where_all_are_there() -> None:
    rng = np.random.default_rng(1)
    values = crossed(rng, 12, 3, 0.1, 0, 0.01) + [-0.1, 0, 0.1]
    table = pd.DataFrame(
        [(f"{i}", s, d, values[i, s] + d) for i in range(12) for s in range(3) for d in (0, 1)],
        columns=["image", "seed", "draw", "psnr"],
    )
    wide = over_images_and_seeds(table, "psnr")
    assert wide.mean == pytest.approx(values.mean() + 0.5) and wide.images == 12
    only = mean_interval(values.mean(1) + 0.5)
    assert wide.low < only.low - 0.01 and wide.high > only.high + 0.01
    two = over_images_and_seeds(table[table["seed"] < 2], "psnr")
    few = mean_interval(values[:, :2].mean(1) + 0.5)
    assert list(vars(two).values()) == pytest.approx(list(vars(few).values()), abs=1e-3)  # other last digits
    gaps = over_images_and_seeds(table[(table["seed"] < 2) | (table["image"] != "3")], "psnr")
    assert gaps.high - gaps.low < wide.high - wide.low


@pytest.mark.parametrize("values", [np.zeros((1, 3)), np.zeros((3, 1)), np.zeros(3), np.full((3, 3), np.nan)])
def test_crossed_values_that_say_nothing_are_refused(values) -> None:
    with pytest.raises(ValueError, match="at least 2 images and 2 seeds"):
        crossed_interval(values)
