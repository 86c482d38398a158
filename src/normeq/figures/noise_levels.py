"""Output PSNR against the noise level: what happens at levels never seen in training."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from normeq.figures.noise_level_numbers import plotted
from normeq.figures.style import (
    INK,
    NOISY,
    PUBLISHED,
    Look,
    heading,
    legend,
    looks,
    networks_named,
    paper_style,
    save,
)
from normeq.published import AUTHORS
from normeq.tables.longtable import read_noise_levels, train_range
from normeq.tables.names import counted, dataset_name, trained_names

Axis = Literal["sigma", "psnr-in"]
TICKS = {"sigma": [1, 2, 5, 10, 15, 25, 50, 75, 100, 150, 200, 255], "psnr-in": range(-5, 60, 5)}
DIFFERENCE_TICKS = [-20, -10, -5, -2, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 2, 5, 10, 20]
LABELS = {
    "sigma": "test noise level σ (8-bit units, log scale)",
    "psnr-in": "input PSNR (dB, not clipped; noise grows →)",
}


def draw(numbers: pd.DataFrame, x: Axis = "sigma") -> Figure:
    """Draw the figure from the numbers of :func:`plotted`: columns are data sets, rows training levels."""
    column = "psnr_in" if x == "psnr-in" else "sigma"
    numbers = numbers[np.isfinite(numbers[column])]
    ours = numbers[numbers["kind"] == "denoiser"]
    style = looks(ours)
    datasets, levels = list(ours["dataset"].unique()), list(ours["train"].unique())
    panels = [p for p in ("psnr", "difference") if (ours["panel"] == p).any()]
    heights = [{"psnr": 3.1, "difference": 1.9}[panel] for _ in levels for panel in panels]
    figure = Figure(figsize=(max(4.4 * len(datasets), 6.6), sum(heights) + 1.05), layout="constrained")
    grid = figure.subplots(
        len(heights), len(datasets), squeeze=False, sharex=True, sharey="row", height_ratios=heights
    )
    for row, (level, panel) in enumerate((level, panel) for level in levels for panel in panels):
        if panel == "difference":
            grid[row][0].set_yscale("symlog", linthresh=0.5, linscale=0.6)  # 0.1 dB and 10 dB in one picture
        for axes, dataset in zip(grid[row], datasets, strict=True):
            cell = numbers[
                (numbers["train"] == level) & (numbers["panel"] == panel) & (numbers["dataset"] == dataset)
            ]
            for key, line in cell[cell["kind"] == "denoiser"].groupby(["network", "variant"], sort=False):
                _line(axes, line, column, style[key])
            _references(axes, cell, column)
            _mark_training(axes, level, x, named=panel == "psnr")
            if panel == "psnr":
                images = counted(cell.loc[cell["kind"] == "denoiser", "images"], "image")
                axes.set_title(f"{dataset_name(dataset)}, {images}")
        grid[row][0].set_ylabel(
            {"psnr": "output PSNR (dB)", "difference": "PSNR − PSNR of\nnorm.-equiv. (dB)"}[panel]
        )
        if panel == "difference":
            _difference_axis(grid[row][0])
    for axes in grid[-1]:
        axes.set_xlabel(LABELS[x])
    _sigma_axis(grid[0][0], x, numbers["sigma"])
    _words(figure, ours, numbers, style)
    return figure


def _line(axes: Axes, line: pd.DataFrame, column: str, look: Look) -> None:
    line = line.sort_values(column)
    axes.fill_between(line[column], line["low"], line["high"], color=look.colour, alpha=0.13, linewidth=0)
    axes.plot(
        line[column], line["value"], color=look.colour, marker=look.marker, linestyle=look.line, zorder=3
    )


def _references(axes: Axes, cell: pd.DataFrame, column: str) -> None:
    noisy = cell[cell["kind"] == "noisy"].sort_values(column)
    axes.plot(noisy[column], noisy["value"], color=NOISY, linestyle=(0, (1, 1.5)), linewidth=1.4)
    marks = looks(cell[cell["kind"] == "published"])
    for key, line in cell[cell["kind"] == "published"].groupby(["network", "variant"], sort=False):
        line = line.sort_values(column)
        axes.plot(
            line[column], line["value"], color=PUBLISHED, linewidth=0.9, zorder=2,
            marker=marks[key].marker, markersize=3.6, markerfacecolor="white", markeredgewidth=0.8,
        )  # fmt: skip


def _mark_training(axes: Axes, level: str, x: Axis, named: bool) -> None:
    bounds = train_range(level)
    if bounds is None:
        return
    low, high = 20 * np.log10(255 / np.maximum(bounds, 1e-3)) if x == "psnr-in" else bounds
    if low != high:
        axes.axvspan(low, high, color=INK, alpha=0.06, linewidth=0)
    else:
        axes.axvline(low, color=INK, linestyle="--", linewidth=1, zorder=1)
    if named:
        text = f"training σ = {level.replace('-', '–')}"
        axes.annotate(
            text, (high, 0.985), xycoords=("data", "axes fraction"), xytext=(4, 0), va="top",
            textcoords="offset points", fontsize=8, color=INK,
        )  # fmt: skip


def _difference_axis(axes: Axes) -> None:
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in DIFFERENCE_TICKS if low <= tick <= high]))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:+g}".replace("-", "−") if value else "0")
    )
    axes.yaxis.set_minor_locator(NullLocator())


def _sigma_axis(axes: Axes, x: Axis, sigma: pd.Series) -> None:
    if x == "sigma" and sigma.min() > 0:
        axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS[x] if low <= tick <= high]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    if x == "psnr-in":
        axes.invert_xaxis()  # noise grows to the right in both views


def _words(
    figure: Figure, ours: pd.DataFrame, numbers: pd.DataFrame, style: dict[tuple[str, str], Look]
) -> None:
    extra = [Line2D([], [], color=NOISY, linestyle=(0, (1, 1.5)), linewidth=1.4, label="noisy input")]
    theirs = numbers[numbers["kind"] == "published"]
    if len(theirs):
        label = f"published: {theirs['network'].iloc[0]}, {AUTHORS['Saied2026']}"
        line = Line2D(
            [], [], color=PUBLISHED, linewidth=0.9, marker="o", markersize=3.6, markerfacecolor="white"
        )
        line.set_label(label)
        extra.append(line)
    legend(figure, style, extra)
    names = networks_named(ours)
    heading(
        figure,
        f"Denoising at noise levels not seen in training{': ' if names else ''}{names}",
        f"{trained_names(ours['train'])}; mean over images, band: 95 % bootstrap interval over images; "
        f"{counted(ours['draws'], 'noise draw')} per image, {counted(ours['seeds'], 'training seed')}",
    )


def make(table: Path, out: Path, published: Path | None = None, x: Axis = "sigma") -> list[Path]:
    """Read ``noise_levels.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = plotted(read_noise_levels(table), published)
    with paper_style():
        return save(draw(numbers, x), numbers, out)
