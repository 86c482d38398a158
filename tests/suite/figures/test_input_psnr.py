"""Output against input PSNR: both axes, the identity line, where published curves are placed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.analysis.input_psnr import input_psnr_curves
from normeq.suite.figures import input_psnr
from normeq.suite.figures.style import COLOURS, NOISY, PUBLISHED, paper_style
from normeq.suite.results.long_tables import read_noise_levels
from tests import synthetic
from tests.suite.results.test_published import MOHAN, write

CURVE = {
    "source": "https://example.org Figure 10 (vector figure)",
    "variant": "norm-equiv",
    "value": "30",
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Clipping helps by σ/40 dB: known, smooth, and none at σ = 0."""
    rows = synthetic.noise_levels(images={"set12": 3, "bsd68": 4}, sigmas=(5, 25, 50), draws=2)
    rows["psnr_in_clipped"] = rows["psnr_in"] + rows["sigma"] / 40
    rows.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def test_each_axis_has_its_own_input_psnr(table: Path, tmp_path: Path) -> None:
    input_psnr.make(table, tmp_path / "figure")
    numbers = pd.read_csv(tmp_path / "figure.csv")
    long = pd.read_csv(table)
    ours = numbers[numbers["kind"] == "denoiser"]
    assert len(ours) == 2 * 2 * 4 * 3
    for row in ours.itertuples():
        there = long[
            (long.dataset == row.dataset) & (long.variant == row.variant) & (long.sigma == row.sigma)
        ]
        column = {"unclipped": "psnr_in", "clipped": "psnr_in_clipped"}[row.axis]
        expected = there.groupby("image")[[column, "psnr"]].mean().mean()
        assert (row.psnr_in, row.value) == pytest.approx(tuple(expected), abs=1e-9)


def test_the_level_of_training_and_published_curves_are_placed_by_sigma(table: Path, tmp_path: Path) -> None:
    folder = write(tmp_path, [CURVE | {"test_sigma": "35"}], "published_curves.csv")
    numbers = input_psnr_curves(input_psnr_table(table), folder).set_index(["axis", "kind", "dataset"])
    long = pd.read_csv(table).query("dataset == 'set12' and variant == 'norm'")
    at = long.groupby("sigma")[["psnr_in", "psnr_in_clipped"]].mean()
    for axis, column in input_psnr.AXES.items():
        assert numbers.loc[(axis, "training", "set12"), "psnr_in"].item() == pytest.approx(at.loc[25, column])
        between = (at[column] - 20 * np.log10(255 / at.index)).loc[[25, 50]].mean()  # 35² ≈ 25·50
        theirs = numbers.loc[(axis, "published", "set12"), "psnr_in"].item()
        assert theirs == pytest.approx(20 * np.log10(255 / 35) + between, abs=0.02)
    assert ("clipped", "published", "bsd68") not in numbers.index


def input_psnr_table(path: Path) -> pd.DataFrame:
    rows = read_noise_levels(path)
    return rows.assign(psnr_in_clipped=rows["psnr_in_clipped"].astype(float))


def test_curves_identity_and_direction(table: Path) -> None:
    numbers = input_psnr_curves(input_psnr_table(table))
    with paper_style():
        figure = input_psnr.draw(numbers)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Set12, 3 images", "BSD68, 4 images"] * 2
    for axes, name in zip(figure.axes[::2], ("unclipped", "clipped"), strict=True):
        identity = next(line for line in axes.get_lines() if line.get_color() == NOISY)
        assert identity.get_slope() == 1 and np.ptp(identity.get_xy1()) == 0
        low, high = axes.get_xlim()
        assert low > high  # noise grows to the right
        line = next(line for line in axes.get_lines() if line.get_color() == COLOURS["norm"])
        rows = numbers[(numbers["axis"] == name) & (numbers["dataset"] == "set12")]
        rows = rows[rows["variant"] == "norm"].sort_values("psnr_in")
        np.testing.assert_array_equal(line.get_xydata(), rows[["psnr_in", "value"]])


def test_no_curve_is_cut_off(table: Path, tmp_path: Path) -> None:
    low = MOHAN | {"train_sigma": "0-30", "test_sigma": "50", "value": "3"}  # in the second panel alone
    high = low | {"test_sigma": "10", "value": "70"}
    folder = write(tmp_path, [low, high], "published_curves.csv")
    with paper_style():
        figure = input_psnr.draw(input_psnr_curves(input_psnr_table(table), folder))
    grey = [line for axes in figure.axes for line in axes.get_lines() if line.get_color() == PUBLISHED]
    assert len(grey) == 2
    for axes in figure.axes:
        bottom, top = axes.get_ylim()
        for line in axes.get_lines():
            if len(line.get_xdata()) > 2 or line.get_color() == PUBLISHED:
                assert bottom < min(line.get_ydata()) and max(line.get_ydata()) < top


def test_a_range_from_zero_is_a_band(table: Path, tmp_path: Path, svg_text) -> None:
    pd.read_csv(table).assign(train_sigma="0-55").to_csv(table, index=False)
    svg, *_ = input_psnr.make(table, tmp_path / "figure")
    assert "training σ = 0–55" in svg_text(svg)
    numbers = pd.read_csv(tmp_path / "figure.csv")
    assert np.isinf(numbers.loc[(numbers["kind"] == "training") & (numbers["sigma"] == 0), "psnr_in"]).all()


def test_a_table_without_the_clipped_column_is_refused(table: Path, tmp_path: Path) -> None:
    pd.read_csv(table).drop(columns="psnr_in_clipped").to_csv(table, index=False)
    with pytest.raises(NormeqError, match="t.csv: missing column psnr_in_clipped"):
        input_psnr.make(table, tmp_path / "figure")
    assert not (tmp_path / "figure.csv").exists()
