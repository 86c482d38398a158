"""The tables of comparisons and of variance, against SciPy and sums done another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from normeq.errors import NormeqError
from normeq.suite.analysis import comparisons as analysis
from normeq.suite.statistics.variance import split
from normeq.suite.tables import comparisons, variance
from tests import synthetic


@pytest.fixture
def levels(tmp_path: Path) -> tuple[pd.DataFrame, Path]:
    """Two seeds and three draws, of the same images, of four variants and a user's denoiser."""
    first = synthetic.noise_levels(
        images={"set12": 6, "bsd68": 9}, sigmas=(5, 25, 50), draws=3, other=("mine",)
    ).assign(seed="0")
    moved = 0.1 + np.random.default_rng(1).normal(0, 0.05, len(first))
    second = first.assign(seed="1", psnr=first["psnr"] + moved)
    table = pd.concat([first, second], ignore_index=True)
    table.to_csv(tmp_path / "noise_levels.csv", index=False)
    return table, tmp_path / "noise_levels.csv"


def test_every_pair_of_variants_is_compared_on_the_mean_of_draws_and_seeds(levels) -> None:
    table, path = levels
    made = comparisons.make(path)
    assert len(made.numbers) == 6 * 3 * 3 and len(made.shown) == 6 * 3  # Set12 with and without image 04
    wide = table.pivot_table(
        "psnr", ["dataset", "image"], ["variant", "sigma"]
    )  # balanced: plain means agree
    for (dataset, of, over), family in made.numbers.groupby(["dataset", "of", "over"]):
        p = {}
        for row in family.itertuples():
            gain = (wide[of, row.sigma] - wide[over, row.sigma]).loc[dataset.removesuffix("-without-04")]
            gain = gain.drop("04") if dataset.endswith("-without-04") else gain
            assert row.gain == pytest.approx(gain.mean(), rel=1e-9)
            assert row.low <= row.gain <= row.high
            p[row.sigma] = wilcoxon(gain).pvalue
            assert row.p == pytest.approx(p[row.sigma])
        ranked = sorted(p, key=p.get)
        for i, sigma in enumerate(ranked):
            expected = min(1, max((3 - j) * p[s] for j, s in enumerate(ranked[: i + 1])))
            found = family.loc[family["sigma"] == sigma, "p_holm"].item()
            assert found == pytest.approx(expected)


def test_differences_that_may_be_chance_are_marked(levels) -> None:
    made = comparisons.make(levels[1])
    small = made.numbers["p_holm"] >= 0.05
    assert 0 < small.sum() < len(small)
    text = made.shown.filter(like="σ =").to_numpy().ravel()
    assert sum(cell.endswith("°") for cell in text) == small.sum()


def test_one_variant_cannot_be_compared(tmp_path: Path) -> None:
    synthetic.noise_levels(variants=("norm",), images={"set12": 3}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(NormeqError, match="no network was measured in two variants"):
        comparisons.make(tmp_path / "t.csv")


def test_variance_is_split_for_every_denoiser_and_level(levels) -> None:
    table, path = levels
    made = variance.make(path)
    datasets = 3  # Set12, the same without image 04, BSD68
    assert len(made.numbers) == 5 * datasets * 3
    assert set(made.shown["test σ"]) == {"25"} and len(made.shown) == 5 * datasets
    table = pd.concat(
        [
            table,
            table[(table["dataset"] == "set12") & (table["image"] != "04")].assign(
                dataset="set12-without-04"
            ),
        ]
    )
    for row in made.numbers.itertuples():
        rows = table[(table["variant"] == row.variant) & (table["dataset"] == row.dataset)]
        rows = rows[rows["sigma"] == row.sigma].sort_values(["image", "seed", "draw"])
        cube = rows["psnr"].to_numpy().reshape(-1, 2, 3)
        assert row.psnr == pytest.approx(cube.mean())
        found = split(cube)
        assert row.sd_images == pytest.approx(found.images) and row.sd_rest == pytest.approx(found.rest)
        parts = (row.sd_seeds, row.sd_images_seeds, row.sd_draws)
        assert parts == pytest.approx((found.seeds, found.images_seeds, found.draws))
        assert row.mean_images == pytest.approx(found.images / np.sqrt(row.images))
        in_draws = found.draws**2 / 3 + found.rest**2 / (2 * 3)
        assert row.mean_draws == pytest.approx(np.sqrt(in_draws / row.images))
        expected = found.seeds**2 / 2 + found.images_seeds**2 / (2 * row.images)
        assert row.mean_seeds == pytest.approx(np.sqrt(expected))
        assert (row.seeds, row.draws) == (2, 3)


def test_one_seed_and_one_draw_leave_dashes(tmp_path: Path) -> None:
    synthetic.noise_levels(images={"set12": 4}, sigmas=(25,)).to_csv(tmp_path / "t.csv", index=False)
    shown = variance.make(tmp_path / "t.csv").shown
    assert (shown[["seeds", "draws", "rest", "mean: seeds", "mean: draws"]] == "–").all(axis=None)
    assert (shown["images"] != "–").all()


def test_a_missing_draw_is_named(levels) -> None:
    table, path = levels
    table.iloc[1:].to_csv(path, index=False)  # of one image
    with pytest.raises(NormeqError, match="5 for fdncnn8x32/ordinary at sigma 5, seed 0, draw 0 and 6 for"):
        variance.make(path)
    table[(table["seed"] == "0") | (table["draw"] < 2)].to_csv(path, index=False)  # of one seed
    with pytest.raises(NormeqError, match="ordinary on set12 at sigma 5: not every image has every draw"):
        variance.make(path)


def test_draws_that_images_share_have_no_known_effect_on_the_mean(levels) -> None:
    table, path = levels
    assert variance.make(path).numbers["mean_draws"].notna().all()
    table.assign(protocol="kair").to_csv(path, index=False)
    made = variance.make(path)
    assert made.numbers["mean_draws"].isna().all() and made.numbers["sd_draws"].notna().all()
    assert any("Images of one size share their noise" in note for note in made.notes)


def test_only_seeds_and_draws_that_both_have_are_compared(levels) -> None:
    """A second seed of one variant, far worse than the first, says nothing about the others."""
    table, path = levels
    first = analysis.comparisons(table[table["seed"] == "0"])
    second = (table["seed"] == "1") & (table["variant"] == "ordinary")
    uneven = table[(table["seed"] == "0") | second].copy()
    uneven.loc[second, "psnr"] -= 5
    found = analysis.comparisons(uneven)
    pd.testing.assert_frame_equal(found, first)
    assert set(found["seeds"]) == {1}
