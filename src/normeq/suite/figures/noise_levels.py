"""Output PSNR against the noise level: what happens at levels never seen in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from normeq.suite.analysis.noise_levels import noise_level_curves
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import (
    INK,
    NOISY,
    PUBLISHED,
    LineStyle,
    heading,
    legend,
    line_styles,
    titled,
    write,
)
from normeq.suite.formats.numbers import minus
from normeq.suite.results.long_tables import read_noise_levels, train_range
from normeq.suite.results.names import counted, dataset_name, level_name, trained_names
from normeq.suite.results.published import AUTHORS

FIGURE = FigureKind(
    help="Output PSNR against the noise level; the level of training is marked.",
    order=10,
    reads="noise_levels.csv",
    published=True,
    when="has_several_noise_levels",
    otherwise="evaluate.noise_levels has a single level, which makes no curve",
)

TICKS = [1, 2, 5, 10, 15, 25, 50, 75, 100, 150, 200, 255]
DOTTED = {"color": NOISY, "linestyle": (0, (1, 1.5)), "linewidth": 1.4}  # what the noisy image scores itself
LINEAR = 0.5  # dB; the difference axis is linear within, logarithmic beyond: 0.1 dB and 10 dB in one picture
DIFFERENCE_TICKS = [-20, -10, -5, -2, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 2, 5, 10, 20]


def draw(numbers: pd.DataFrame) -> Figure:
    """Draw the numbers of :func:`noise_level_curves`: columns are data sets, rows training levels."""
    ours = numbers[numbers["kind"] == "denoiser"]
    style = line_styles(ours)
    datasets, levels = list(ours["dataset"].unique()), list(ours["train"].unique())
    panels = [p for p in ("psnr", "difference") if (ours["panel"] == p).any()]
    heights = [{"psnr": 3.1, "difference": 1.9}[panel] for _ in levels for panel in panels]
    figure = Figure(figsize=(max(4.4 * len(datasets), 6.6), sum(heights) + 1.05), layout="constrained")
    grid = figure.subplots(
        len(heights), len(datasets), squeeze=False, sharex=True, sharey="row", height_ratios=heights
    )
    for row, (level, panel) in enumerate((level, panel) for level in levels for panel in panels):
        if panel == "difference":
            grid[row][0].set_yscale("symlog", linthresh=LINEAR, linscale=0.6)
        for axes, dataset in zip(grid[row], datasets, strict=True):
            cell = numbers[
                (numbers["train"] == level) & (numbers["panel"] == panel) & (numbers["dataset"] == dataset)
            ]
            for key, line in cell[cell["kind"] == "denoiser"].groupby(["network", "variant"], sort=False):
                curve(axes, line, "sigma", style[key])
            noisy = cell[cell["kind"] == "noisy"].sort_values("sigma")
            axes.plot(noisy["sigma"], noisy["value"], **DOTTED)
            published_curves(axes, cell, "sigma")
            mark_training(axes, level, train_range(level), named=panel == "psnr")
            if panel == "psnr":
                images = counted(cell.loc[cell["kind"] == "denoiser", "images"], "image")
                axes.set_title(f"{dataset_name(dataset)}, {images}")
        grid[row][0].set_ylabel(
            {"psnr": "output PSNR (dB)", "difference": "PSNR − PSNR of\nnorm.-equiv. (dB)"}[panel]
        )
        if panel == "difference":
            _difference_axis(grid[row][0])
    for axes in grid[-1]:
        axes.set_xlabel("test noise level σ (8-bit units, log scale)")
    _sigma_axis(grid[0][0], numbers["sigma"])
    legend(figure, style, [Line2D([], [], **DOTTED, label="noisy input"), *published_sample(numbers)])
    ranged = ours["train_sigma"].str.contains("-", regex=False).any()
    unseen = "" if ranged else " not seen in training"
    title, subtitle = title_and_subtitle(numbers, f"Denoising at noise levels{unseen}")
    if "difference" in panels:
        subtitle += f"; axis of differences linear within ±{LINEAR:g} dB, logarithmic beyond"
    heading(figure, title, subtitle)
    return figure


def curve(axes: Axes, line: pd.DataFrame, column: str, look: LineStyle) -> None:
    """One denoiser over the column of the x-axis, with the band of its 95 % intervals."""
    line = line.sort_values(column)
    axes.fill_between(line[column], line["low"], line["high"], color=look.colour, alpha=0.13, linewidth=0)
    axes.plot(
        line[column], line["value"], color=look.colour, marker=look.marker, linestyle=look.line, zorder=3
    )


def published_curves(axes: Axes, cell: pd.DataFrame, column: str) -> None:
    """Published curves in grey, with the marker of their variant."""
    marks = line_styles(cell[cell["kind"] == "published"])
    for key, line in cell[cell["kind"] == "published"].groupby(["network", "variant"], sort=False):
        line = line.sort_values(column)
        axes.plot(
            line[column], line["value"], color=PUBLISHED, linewidth=0.9, zorder=2,
            marker=marks[key].marker, markersize=3.6, markerfacecolor="white", markeredgewidth=0.8,
        )  # fmt: skip


def mark_training(axes: Axes, level: str, bounds: tuple[float, float] | None, named: bool) -> None:
    """A line, or a band, where the training level lies on the x-axis; nothing for what was not trained."""
    if bounds is None:
        return
    low, high = bounds
    band = low != high
    if band:  # as far as there are results, so that it does not widen the axis
        seen = sorted(axes.dataLim.intervalx)
        axes.axvspan(*np.clip(sorted(bounds), *seen), color=INK, alpha=0.06, linewidth=0)
    else:
        axes.axvline(low, color=INK, linestyle="--", linewidth=1, zorder=1)
    if named:
        text = f"training σ = {level_name(level)}"
        where = {"xy": (1, 0.985), "xycoords": "axes fraction", "xytext": (-4, 0), "ha": "right"}
        if not band:
            where = {
                "xy": (low, 0.985),
                "xycoords": ("data", "axes fraction"),
                "xytext": (4, 0),
                "ha": "left",
            }
        axes.annotate(text, **where, va="top", textcoords="offset points", fontsize=8, color=INK)


def _difference_axis(axes: Axes) -> None:
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in DIFFERENCE_TICKS if low <= tick <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: minus(f"{value:+g}") if value else "0"))
    axes.yaxis.set_minor_locator(NullLocator())


def _sigma_axis(axes: Axes, sigma: pd.Series) -> None:
    if sigma.min() > 0:
        axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if low <= tick <= high]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def published_sample(numbers: pd.DataFrame) -> list[Line2D]:
    """Legend entries of the published curves, one per source; with its data sets if there are several."""
    theirs = numbers[numbers["kind"] == "published"]
    ranges = theirs["train_sigma"].where(theirs["train_sigma"].str.contains("-", regex=False), "")
    sources = list(theirs.groupby(["paper", "network", ranges], sort=False))
    look = {"linewidth": 0.9, "marker": "o", "markersize": 3.6, "markerfacecolor": "white"}
    samples = []
    for (paper, network, trained), rows in sources:
        how = f" trained on {level_name(trained)}" if trained else ""  # else at the level of the panel
        where = ", ".join(map(dataset_name, rows["dataset"].unique()))
        label = f"published: {network}{how}, {AUTHORS[paper]}" + (f" ({where})" if len(sources) > 1 else "")
        samples.append(Line2D([], [], color=PUBLISHED, label=label, **look))
    return samples


def title_and_subtitle(numbers: pd.DataFrame, title: str) -> tuple[str, str]:
    """Title with the networks, and what every curve is."""
    ours = numbers[numbers["kind"] == "denoiser"]
    theirs = (numbers["kind"] == "published").any()
    return (
        titled(title, ours),
        f"{trained_names(ours['train'])}; mean over images, band: 95 % interval over images; "
        f"{counted(ours['draws'], 'noise draw')} per image, {counted(ours['seeds'], 'training seed')}"
        + ("; published: grey, with the markers of the variants" if theirs else ""),
    )


def make(table: Path, out: Path, published: Path | None = None) -> list[Path]:
    """Read ``noise_levels.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = noise_level_curves(read_noise_levels(table), published)
    return write(lambda: draw(numbers), numbers, out)
