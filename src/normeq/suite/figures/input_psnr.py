"""Output PSNR against input PSNR, in both definitions of the latter: papers use either as their x-axis."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from normeq.suite.analysis.input_psnr import AXES, input_psnr_curves, read_input_psnr
from normeq.suite.figures.noise_levels import (
    DOTTED,
    curve,
    mark_training,
    published_curves,
    published_sample,
    title_and_subtitle,
)
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import heading, legend, line_styles, write
from normeq.suite.results.names import counted, dataset_name

FIGURE = FigureKind(
    help="Output PSNR against input PSNR in both definitions (not clipped, clipped), with the identity line.",
    order=20,
    reads="noise_levels.csv",
    published=True,
    when="has_several_noise_levels",
    otherwise="evaluate.noise_levels has a single level, which makes no curve",
)

LABELS = {
    "unclipped": "input PSNR, noisy image as it is (dB; noise grows →)",
    "clipped": "input PSNR, noisy image clipped to [0,1] (dB; noise grows →)",
}


def draw(numbers: pd.DataFrame) -> Figure:
    """Columns are data sets; rows the two axes, for each level of training."""
    ours = numbers[numbers["kind"] == "denoiser"]
    style = line_styles(ours)
    datasets, levels = list(ours["dataset"].unique()), list(ours["train"].unique())
    rows = [(level, axis) for level in levels for axis in AXES]
    figure = Figure(figsize=(max(4.4 * len(datasets), 6.6), 3.2 * len(rows) + 1.0), layout="constrained")
    grid = figure.subplots(len(rows), len(datasets), squeeze=False, sharey="row")
    for axes_row, (level, axis) in zip(grid, rows, strict=True):
        for axes, dataset in zip(axes_row, datasets, strict=True):
            cell = numbers[
                (numbers["train"] == level) & (numbers["axis"] == axis) & (numbers["dataset"] == dataset)
            ]
            for key, line in cell[cell["kind"] == "denoiser"].groupby(["network", "variant"], sort=False):
                curve(axes, line, "psnr_in", style[key])
            published_curves(axes, cell, "psnr_in")
            marks = cell.loc[cell["kind"] == "training", "psnr_in"].clip(upper=300)  # far outside the picture
            mark_training(axes, level, (marks.max(), marks.min()) if len(marks) else None, named=True)
            images = counted(cell.loc[cell["kind"] == "denoiser", "images"], "image")
            axes.set_title(f"{dataset_name(dataset)}, {images}")
            axes.set_xlabel(LABELS[axis])
        shown = numbers[
            (numbers["train"] == level) & (numbers["axis"] == axis) & (numbers["kind"] != "training")
        ]
        for axes, dataset in zip(axes_row, datasets, strict=True):  # after all curves: they share the y-axis
            _axis(axes, shown.loc[shown["dataset"] == dataset, "psnr_in"])
        axes_row[0].set_ylabel("output PSNR (dB)")
    legend(
        figure,
        style,
        [Line2D([], [], **DOTTED, label="identity: output = input"), *published_sample(numbers)],
    )
    heading(figure, *title_and_subtitle(numbers, "Output against input PSNR"))
    return figure


def _axis(axes: Axes, psnr_in: pd.Series) -> None:
    low, high = psnr_in.min(), psnr_in.max()
    margin = 0.04 * (high - low) or 1.0
    bottom, top = axes.get_ylim()
    axes.axline((low, low), slope=1, **DOTTED)
    axes.set(xlim=(high + margin, low - margin), ylim=(bottom, top))  # noise grows to the right
    axes.xaxis.set_major_locator(MultipleLocator(5))


def make(table: Path, out: Path, published: Path | None = None) -> list[Path]:
    """Read ``noise_levels.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = input_psnr_curves(read_input_psnr(table), published)
    return write(lambda: draw(numbers), numbers, out)
