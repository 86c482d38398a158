"""The split of variance against designs whose parts are known."""

import math

import numpy as np
import pytest

from normeq.suite.statistics.variance import split

rng = np.random.default_rng(0)


def design(images, seeds, draws, sd):
    """Made-up measurements with standard deviations (images, seeds, images·seeds, draws, rest)."""
    shapes = [(images, 1, 1), (1, seeds, 1), (images, seeds, 1), (images, 1, draws), (images, seeds, draws)]
    return 30 + sum(s * rng.normal(size=shape) for s, shape in zip(sd, shapes, strict=True))


def test_all_parts_are_found():
    """Averaged over many designs, because the estimates of variances (not their roots) are unbiased."""
    sd = (1.0, 0.3, 0.2, 0.15, 0.1)
    found = [list(vars(split(design(30, 8, 4, sd))).values()) for _ in range(400)]
    np.testing.assert_allclose(np.square(found).mean(0), np.square(sd), rtol=0.1)


def test_a_part_alone_is_its_sample_standard_deviation():
    seeds = rng.normal(size=(1, 4, 1))
    found = split(np.broadcast_to(seeds, (5, 4, 3)))
    assert found.seeds == pytest.approx(seeds.std(ddof=1))
    assert max(found.images, found.images_seeds, found.draws, found.rest) < 1e-9
    images = rng.normal(size=(5, 1, 1))
    for shape in ((5, 4, 3), (5, 1, 3), (5, 4, 1), (5, 1, 1)):
        assert split(np.broadcast_to(images, shape)).images == pytest.approx(images.std(ddof=1))
    draws = rng.normal(size=(5, 1, 3))
    for count in (1, 4):
        found = split(np.broadcast_to(draws, (5, count, 3)))
        assert found.draws == pytest.approx(math.sqrt(draws.var(axis=2, ddof=1).mean()))


def test_the_split_is_that_of_a_two_way_analysis_without_repeats():
    """One draw: images and seeds crossed; the expected mean squares are in every textbook."""
    y = design(6, 3, 1, (1, 0.5, 0.3, 0, 0))
    cells = y[:, :, 0]
    residual = cells - cells.mean(1, keepdims=True) - cells.mean(0) + cells.mean()
    error = (residual**2).sum() / (5 * 2)
    found = split(y)
    assert found.images_seeds == pytest.approx(math.sqrt(error))
    assert found.images == pytest.approx(math.sqrt(cells.mean(1).var(ddof=1) - error / 3))
    assert found.seeds == pytest.approx(math.sqrt(max(0, cells.mean(0).var(ddof=1) - error / 6)))
    assert math.isnan(found.draws) and math.isnan(found.rest)


def test_what_cannot_be_known_is_not():
    assert all(math.isnan(value) for value in vars(split(design(1, 3, 3, (1, 1, 1, 1, 1)))).values())
    one = split(design(8, 1, 1, (1, 0, 0, 0, 0)))
    assert one.images > 0 and math.isnan(one.seeds) and math.isnan(one.draws)
