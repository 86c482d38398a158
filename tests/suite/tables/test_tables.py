"""The three tables against sums done another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from normeq.errors import NormeqError
from normeq.suite.analysis.intervals import in_order, interval_name
from normeq.suite.formats.table import markdown
from normeq.suite.tables import generalisation, intervals, matched_noise
from tests import synthetic
from tests.suite.results.test_published import write

IMAGES = {"set12": 5, "bsd68": 7}
SHOWN = {"set12": 5, "set12-without-04": 4, "bsd68": 7}
NAN = float("nan")


def shown_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the data sets that tables show: Set12 also without image 04."""
    rest = table[(table["dataset"] == "set12") & (table["image"] != "04")]
    return pd.concat([table, rest.assign(dataset="set12-without-04")])


@pytest.fixture
def levels(tmp_path: Path) -> tuple[pd.DataFrame, Path]:
    table = synthetic.noise_levels(
        networks=("tiny", "fdncnn20x64"), other=("mine",), images=IMAGES, sigmas=(5, 25, 50), draws=2
    )
    table.to_csv(tmp_path / "noise_levels.csv", index=False)
    return table, tmp_path / "noise_levels.csv"


def test_matched_noise_is_the_mean_over_images_at_the_training_level(levels) -> None:
    table, path = levels
    numbers = matched_noise.make(path).numbers
    rows = shown_rows(table[table["sigma"] == 25])
    keys = ["dataset", "network", "variant"]
    by_hand = {
        key: (np.mean([g.psnr.mean() for _, g in group.groupby("image")]), group.ssim.mean())
        for key, group in rows.groupby(keys)
    }
    assert set(numbers["sigma"]) == {25} and len(numbers) == len(by_hand) == 3 * 9
    for row in numbers.itertuples():
        assert (row.psnr, row.ssim) == pytest.approx(
            by_hand[row.dataset, row.network, row.variant], rel=1e-12
        )
        assert row.psnr_low < row.psnr < row.psnr_high
        assert (row.images, row.seeds, row.draws) == (SHOWN[row.dataset], 1, 2)


def test_matched_noise_shows_every_denoiser_once_with_a_name_of_its_own(levels) -> None:
    shown = matched_noise.make(levels[1]).shown
    assert shown["denoiser"].is_unique and len(shown) == 9
    assert (
        shown["denoiser"].tolist()[0] == "fdncnn20x64, ordinary" and shown["denoiser"].tolist()[-1] == "mine"
    )
    assert shown.iloc[-1]["train σ"] == "–"


def test_networks_told_the_noise_level_stand_beside_published_ones_that_are(tmp_path: Path) -> None:
    blind = synthetic.noise_levels(images=IMAGES, sigmas=(5, 15, 25, 50))
    told = synthetic.noise_levels(("told",), ("norm",), images=IMAGES, sigmas=(5, 15, 25, 50))
    mine = blind[blind["variant"] == "norm"].assign(network="mine", variant="other", train_sigma="", seed="")
    pd.concat([blind, told.assign(train_sigma="1-50"), mine]).to_csv(tmp_path / "t.csv", index=False)
    method = {"paper": "Zhang2022-DPIR", "method": "DRUNet", "variant": "official", "architecture": ""}
    rows = [{"value": "30.42"}]
    rows += [method | {"train_sigma": "0-50", "test_sigma": s, "value": f"{s}.5"} for s in ("5", "15", "50")]
    rows += [method | {"train_sigma": "0-40", "test_sigma": "50", "value": "1"}]  # not trained there
    table = matched_noise.make(tmp_path / "t.csv", write(tmp_path, rows))
    cells = table.shown.set_index(["denoiser", "test σ"])["Set12 PSNR"]
    assert cells["published: DRUNet, official", "15"] == "15.50"
    assert cells["published: DRUNet, official", "50"] == "50.50"
    levels = table.shown.groupby("denoiser")["test σ"].agg(list)
    assert levels["told, normalization-equivariant"] == ["15", "25", "50"]  # 5 is in the CSV
    assert levels["fdncnn8x32, normalization-equivariant"] == ["25"]
    assert levels["mine"] == ["15", "25", "50"]
    assert levels["published: FDnCNN-20, normalization-equivariant"] == ["25"]
    told = table.numbers[(table.numbers["network"] == "told") & (table.numbers["dataset"] == "set12")]
    assert set(told["sigma"]) == {5, 15, 25, 50}


def test_published_rows_stand_apart_and_name_their_source(levels, tmp_path: Path) -> None:
    rows = [
        {"value": "30.424999"},
        {"value": "29.1", "dataset": "BSD68"},
        {"value": "99.9", "verified": "no"},
        {"value": "88.8", "train_sigma": "50"},
        {"value": "77.7", "source": "https://example.org log.csv"},
        {"value": "66.6", "architecture": "SwinIR"},
        {"value": "29.97", "paper": "Zhang2022-DPIR", "method": "BM3D", "architecture": "",
         "variant": "official", "train_sigma": "n/a", "source": "https://example.org/psnr.png"},
    ]  # fmt: skip
    table = matched_noise.make(levels[1], write(tmp_path, rows))
    theirs = table.numbers[table.numbers["origin"] == "published"]
    assert sorted(theirs["psnr"]) == [29.1, 29.97, 30.424999]
    text = markdown(table)
    assert "99.9" not in text and "88.8" not in text and "77.7" not in text and "66.6" not in text
    row = table.shown[table.shown["denoiser"].str.startswith("published: FDnCNN-20, normalization")].iloc[0]
    assert row["Set12 PSNR"] == "30.42" and row["BSD68 PSNR"] == "29.10" and row["Set12 SSIM"] == "–"
    assert "same architecture as fdncnn20x64" in row["denoiser"]
    assert row["source"] == "Saied & Fleuret 2026, Table 7 (https://example.org)"
    assert (table.shown["denoiser"].str.startswith("published: BM3D")).sum() == 1


def test_a_range_of_training_levels_matches_inside_only(tmp_path: Path) -> None:
    table = synthetic.noise_levels(images={"set12": 3}, sigmas=(5, 25, 50)).assign(train_sigma="5-25")
    table.to_csv(tmp_path / "t.csv", index=False)
    assert set(matched_noise.make(tmp_path / "t.csv").numbers["sigma"]) == {5, 25}


def test_without_the_training_level_there_is_no_matched_table(tmp_path: Path) -> None:
    synthetic.noise_levels(images={"set12": 3}, sigmas=(5, 50)).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(NormeqError, match="trained at sigma 25, tested at 5, 50"):
        matched_noise.make(tmp_path / "t.csv")


def test_generalisation_has_a_cell_for_every_level(levels) -> None:
    table, path = levels
    made = generalisation.make(path)
    cube = (
        shown_rows(table).groupby(["dataset", "network", "variant", "sigma"])["psnr"].mean()
    )  # balanced: plain means agree
    assert len(made.numbers) == len(cube)
    for row in made.numbers.itertuples():
        assert row.psnr == pytest.approx(cube[row.dataset, row.network, row.variant, row.sigma], rel=1e-12)
    assert list(made.shown.columns[3:]) == ["σ = 5", "σ = 25", "σ = 50"]
    assert made.shown["data set"].tolist() == ["Set12"] * 9 + ["Set12 without 04"] * 9 + ["BSD68"] * 9
    first = made.shown.iloc[0]
    assert first["σ = 50"] == f"{cube['set12', 'fdncnn20x64', 'ordinary', 50]:.2f}"


def test_interval_changes_are_paired_with_the_unit_interval(tmp_path: Path) -> None:
    table = synthetic.intervals(images=IMAGES, draws=2)
    table.to_csv(tmp_path / "t.csv", index=False)
    numbers = intervals.make(tmp_path / "t.csv").numbers
    wide = shown_rows(table).pivot_table("psnr", ["dataset", "variant", "image"], ["a", "b"])
    for row in numbers.itertuples():
        cells = wide.loc[row.dataset, row.variant]
        assert row.psnr == pytest.approx(cells[row.a, row.b].mean(), rel=1e-12)
        difference = cells[row.a, row.b] - cells[0, 1]
        assert row.change == pytest.approx(difference.mean(), abs=1e-9)
        if difference.any():  # the spread of the differences decides, not that of the images
            low, high = ttest_1samp(difference, 0).confidence_interval(0.95)
            assert (row.change_low, row.change_high) == pytest.approx((low, high))
    assert (numbers.loc[(numbers.a == 0) & (numbers.b == 1), "change"] == 0).all()


def uneven(table: pd.DataFrame, unit: pd.Series) -> pd.DataFrame:
    """Two more draws and one more seed of what the rest is compared with, all of another PSNR."""
    draws = [table[unit].assign(draw=draw, psnr=table["psnr"] - 0.25 * draw) for draw in (1, 2)]
    seed = table[unit].assign(seed=1, psnr=table["psnr"] + 9)
    return pd.concat([seed, *draws, table])


def test_interval_changes_are_those_of_the_same_seed_and_draw(tmp_path: Path) -> None:
    table = synthetic.intervals(images={"set12": 9, "bsd68": 3}, pairs=((0, 1), (10, 11), (0, 255)))
    unit = (table["a"] == 0) & (table["b"] == 1)
    table.to_csv(tmp_path / "even.csv", index=False)
    uneven(table, unit).to_csv(tmp_path / "uneven.csv", index=False)
    keys = ["variant", "dataset", "a", "b"]
    even, other = (
        intervals.make(tmp_path / f"{name}.csv").numbers.set_index(keys).sort_index()
        for name in ("even", "uneven")
    )
    columns = ["change", "change_low", "change_high"]
    pd.testing.assert_frame_equal(even[columns], other[columns])
    assert (even["psnr"] != other["psnr"]).groupby(["a", "b"]).all().to_dict()[0, 1]
    assert other.loc[("norm", "set12", 10, 11), "change"] == pytest.approx(0, abs=1e-3)
    lone = table[unit].assign(seed=1)
    pd.concat([lone, table[~unit]]).to_csv(tmp_path / "apart.csv", index=False)
    with pytest.raises(NormeqError, match="a=0, b=1, of the same images, seeds and draws"):
        intervals.make(tmp_path / "apart.csv")


def test_the_leaked_image_is_left_out_where_there_is_one_and_the_reason_given(levels, tmp_path: Path) -> None:
    for table in (matched_noise.make(levels[1]), generalisation.make(levels[1])):
        assert sum("train/12003.jpg" in note for note in table.notes) == 1
    few = synthetic.noise_levels(images={"set12": 4, "bsd68": 6}, sigmas=(25,))
    few.to_csv(tmp_path / "few.csv", index=False)
    made = matched_noise.make(tmp_path / "few.csv")
    assert set(made.numbers["dataset"]) == {"set12", "bsd68"}
    assert not any("12003" in note for note in made.notes)


def test_the_protocol_is_named_below_the_tables(levels, tmp_path: Path) -> None:
    table, path = levels
    assert any("not clipped" in note and "not rounded" in note for note in matched_noise.make(path).notes)
    table.assign(protocol="kair").to_csv(path, index=False)
    for made in (matched_noise.make(path), generalisation.make(path)):
        assert any("Protocol kair" in note and "rounded to 8 bits" in note for note in made.notes)
    table.assign(protocol=["kair", "paper"] * (len(table) // 2)).to_csv(path, index=False)
    with pytest.raises(NormeqError, match="several protocols .kair, paper."):
        matched_noise.make(path)


def test_what_went_to_a_and_b_is_said_and_never_mixed(tmp_path: Path) -> None:
    table, path = synthetic.intervals(images={"set12": 2}), tmp_path / "intervals.csv"
    table.to_csv(path, index=False)
    assert any("y → a + (b − a)·y" in note for note in intervals.make(path).notes)
    table.assign(normalise="minmax").to_csv(path, index=False)
    made = intervals.make(path)
    assert any("lowest and highest value" in note for note in made.notes)
    assert set(made.numbers["normalise"]) == {"minmax"}
    table.assign(normalise=["minmax", "nominal"] * (len(table) // 2)).to_csv(path, index=False)
    with pytest.raises(NormeqError, match="several normalisations .minmax, nominal."):
        intervals.make(path)
    table.assign(normalise="max").to_csv(path, index=False)
    with pytest.raises(NormeqError, match="normalise has 'max', not nominal or minmax"):
        intervals.make(path)


def test_intervals_are_ordered_unit_scaled_shifted(tmp_path: Path) -> None:
    order = in_order(synthetic.intervals(images={"set12": 1}).sample(frac=1, random_state=1))
    pairs = list(order[["a", "b"]].itertuples(index=False, name=None))
    assert pairs[:5] == [(0, 1), (0, 0.5), (0, 2), (0, 10), (0, 255)]
    assert all(a != 0 for a, _ in pairs[5:]) and len(pairs) == 10
    assert interval_name(-1, 0.5) == "[−1, 0.5]"


def test_without_the_unit_interval_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    table = synthetic.intervals(images={"set12": 2})
    lacking = table[(table["variant"] != "norm") | (table["b"] != 1) | (table["a"] != 0)]
    lacking.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(NormeqError, match="a=0, b=1"):
        intervals.make(tmp_path / "t.csv")
