"""The interval figure: PSNR and its change from [0,1]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normeq.suite.figures import intervals
from normeq.suite.figures.style import COLOURS, paper_style
from normeq.suite.results.long_tables import read_intervals


def test_the_csv_equals_a_computation_by_pivot(ranges: Path, ranges_figure: Path) -> None:
    numbers = pd.read_csv(ranges_figure.with_suffix(".csv"))
    wide = pd.read_csv(ranges).pivot_table("psnr", ["dataset", "variant", "image"], ["a", "b"])
    assert len(numbers) == 2 * 4 * 5
    for row in numbers.itertuples():
        cells = wide.loc[row.dataset, row.variant]
        assert row.psnr == pytest.approx(cells[row.a, row.b].mean(), rel=1e-12)
        assert row.change == pytest.approx((cells[row.a, row.b] - cells[0, 1]).mean(), abs=1e-9)
    assert numbers.groupby("position")["interval"].nunique().eq(1).all()
    assert numbers.loc[numbers["position"] == 0, "interval"].eq("[0, 1]").all()


def test_the_axes_show_the_csv(ranges: Path) -> None:
    numbers = intervals.plotted(read_intervals(ranges))
    with paper_style():
        figure = intervals.draw(numbers)
    for axes, (dataset, value) in zip(
        figure.axes, [(d, v) for v in ("psnr", "change") for d in ("set12", "bsd68")], strict=True
    ):
        cell = numbers[numbers["dataset"] == dataset]
        for variant in set(cell["variant"]) & set(COLOURS):
            colour = COLOURS[variant]
            rows = cell[cell["variant"] == variant].sort_values("position")
            drawn = np.concatenate(
                [line.get_ydata() for line in axes.get_lines() if line.get_color() == colour]
            )
            np.testing.assert_array_equal(drawn, rows[value])


def test_collapse_and_flatness_are_both_readable(ranges: Path) -> None:
    numbers = intervals.plotted(read_intervals(ranges))
    with paper_style():
        axes = intervals.draw(numbers).axes[2]
    change = numbers["change"]
    low, high = axes.get_ylim()
    assert low < change.min() < -15 and high > 0
    place = axes.transData.transform
    span = place((0, high))[1] - place((0, low))[1]
    assert place((0, 0))[1] - place((0, -1))[1] > 0.2 * span  # the first dB keeps a fifth of the height
    assert place((0, -5))[1] - place((0, -20))[1] > 0.1 * span


def test_same_input_same_bytes(ranges: Path, ranges_figure: Path, tmp_path: Path) -> None:
    for path in intervals.make(ranges, tmp_path / "again"):
        assert path.read_bytes() == ranges_figure.with_suffix(path.suffix).read_bytes()


def test_the_svg_says_what_it_shows(ranges_figure: Path, svg_text) -> None:
    text = svg_text(ranges_figure.with_suffix(".svg")).replace("\u00a0", " ")
    for words in (
        "[−1, 1]", "[0, 255]", "scaled and shifted", "change from [0, 1] (dB)", "PSNR (dB)", "test σ = 25",
        "Set12, 4 images", "trained at σ = 25", "1 noise draw", "95 %", "wrapped ordinary",
    ):  # fmt: skip
        assert words in text, words
