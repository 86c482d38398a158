"""Tuned networks beside equivariant ones: how far from the NE network the best choice of a range leads."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normeq.suite.analysis.tuning import tuned_name, tuning_summary
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import GREY, LineStyle, heading, line_styles, titled, write
from normeq.suite.results.long_tables import IDENTITY, read_tuning
from normeq.suite.results.names import (
    counted,
    dataset_name,
    images_of,
    level_name,
    part_note,
    trained_names,
)

FIGURE = FigureKind(
    help="Scale and shift tuning beside what is equivariant by construction.",
    order=60,
    reads="tuning.csv",
)

ROW = 0.27  # inches
TITLE = 19  # characters of a panel's title in one line


def draw(numbers: pd.DataFrame) -> Figure:
    """Panels: columns are noise levels, rows data sets; a line for each denoiser and way of tuning.

    Args:
        numbers: as :func:`normeq.suite.analysis.tuning.tuning_summary` gives them.
    """
    value = "gap" if numbers["gap"].notna().any() else "psnr"
    style = line_styles(numbers)
    keys = [*IDENTITY, "method"]
    lines = list(numbers[keys].drop_duplicates().itertuples(index=False, name=None))
    datasets, sigmas = list(numbers["dataset"].unique()), sorted(numbers["sigma"].unique())
    several = numbers[["network", "train_sigma"]].drop_duplicates().shape[0] > 1
    size = (2.6 + 2.3 * len(sigmas), len(datasets) * (ROW * len(lines) + 0.75) + 0.9)
    figure = Figure(figsize=(max(size[0], 6.6), size[1]), layout="constrained")
    grid = figure.subplots(len(datasets), len(sigmas), squeeze=False, sharey=True, sharex="col")
    for axes_row, dataset in zip(grid, datasets, strict=True):
        for axes, sigma in zip(axes_row, sigmas, strict=True):
            cell = numbers[(numbers["dataset"] == dataset) & (numbers["sigma"] == sigma)].set_index(keys)
            for position, key in enumerate(lines):
                if key in cell.index:
                    _dot(axes, position, cell.loc[key], value, style[key[0], key[1]], key[3])
            if value == "gap":
                axes.axvline(0, color=GREY, linewidth=0.9, zorder=1)
            axes.set_title(_panel_title(dataset_name(dataset), sigma))
            axes.grid(axis="y", visible=False)
        names = [
            tuned_name(network, variant, method)
            + (f" ({network}, σ = {level_name(level)})" if several and variant != "other" else "")
            for network, variant, level, method in lines
        ]
        axes_row[0].set_yticks(range(len(lines)), names)
        for tick, (network, variant, *_) in zip(axes_row[0].get_yticklabels(), lines, strict=True):
            tick.set_color(style[network, variant].colour)
        axes_row[0].set_ylim(len(lines) - 0.5, -0.5)
    for axes in grid[-1]:
        axes.set_xlabel({"gap": "PSNR − PSNR of\nnorm.-equiv. (dB)", "psnr": "PSNR (dB)"}[value])
    heading(
        figure,
        titled("Choosing the range of the input instead", numbers),
        f"{trained_names(numbers['train_sigma'])}; {images_of(numbers)}{part_note(numbers)}; "
        "scale tuning λ·f(y/λ), shift tuning f(y − μ) + μ; oracle (open): the best λ or μ for each clean "
        "image; mean over images, bars: 95 % interval, paired; "
        f"{counted(numbers['draws'], 'noise draw')} per image, "
        f"{counted(numbers['seeds'], 'training seed')}",
    )
    return figure


def _panel_title(dataset: str, sigma: float) -> str:
    """On as many lines as keep it above its panel; the noise level stays in one piece."""
    level = f"σ = {sigma:g}"
    words = textwrap.fill(f"{dataset}, {level.replace(' ', '_')}", TITLE)
    return words.replace(level.replace(" ", "_"), level)


def _dot(axes: Axes, position: int, row: pd.Series, value: str, look: LineStyle, method: str) -> None:
    low, high = row[f"{value}_low"], row[f"{value}_high"]
    axes.hlines(position, low, high, color=look.colour, linewidth=1.4, zorder=2)
    face = look.colour if method in ("none", "known") else "white"
    axes.plot(
        row[value], position, look.marker, color=look.colour, markerfacecolor=face, markeredgewidth=1.3,
        zorder=3,
    )  # fmt: skip


def make(table: Path, out: Path) -> list[Path]:
    """Read ``tuning.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = tuning_summary(read_tuning(table))
    return write(lambda: draw(numbers), numbers, out)
