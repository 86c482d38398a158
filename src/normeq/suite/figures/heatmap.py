"""What each range of the input costs: PSNR loss over scale and shift, one panel per denoiser."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from seaborn.utils import relative_luminance

from normeq.suite.analysis.heatmap import heatmap_losses
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import GREY, INK, heading, line_styles, titled, write
from normeq.suite.formats.numbers import minus
from normeq.suite.results.long_tables import IDENTITY, read_heatmap
from normeq.suite.results.names import counted, dataset_name, part_note, trained_names
from normeq.suite.results.normalise import sent

FIGURE = FigureKind(
    help="PSNR lost over scale and shift of the range, one panel per denoiser.",
    order=50,
    reads="heatmap.csv",
)

COLOURS = "cividis_r"  # sequential, the same for colour-blind readers
LARGEST = 20.0  # dB; what is lost beyond that looks alike
CELL_W, CELL_H = 0.36, 0.25  # inches


def draw(numbers: pd.DataFrame) -> Figure:
    """Two panels a row, in the order of the table; one row after the other for each data set and σ."""
    style = line_styles(numbers)
    cells = list(numbers.groupby(["dataset", "sigma", *IDENTITY], sort=False))
    columns = min(2, len(cells))
    scales, shifts = sorted(numbers["scale"].unique()), sorted(numbers["shift"].unique())
    rows = -(-len(cells) // columns)
    width = max(columns * (CELL_W * len(shifts) + 0.75) + 0.9, 6.6)
    figure = Figure(figsize=(width, rows * (CELL_H * len(scales) + 0.75) + 0.9), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    norm = PowerNorm(0.5, vmin=0, vmax=LARGEST, clip=True)
    several = numbers[["dataset", "sigma"]].drop_duplicates().shape[0] > 1
    levels = numbers[numbers["train_sigma"] != ""].groupby(["network", "variant"])["train_sigma"].nunique()
    for axes, ((dataset, sigma, network, variant, level), cell) in zip(grid.flat, cells, strict=False):
        _panel(axes, cell.pivot(index="scale", columns="shift", values="loss"), norm)
        look = style[network, variant]
        where = f"{dataset_name(dataset)}, σ = {sigma:g}: " if several else ""
        trained = f", trained at {level.replace('-', '–')}" if level and levels[network, variant] > 1 else ""
        axes.set_title(f"{where}{look.label}{trained}", color=look.colour)
    for axes in grid.flat[len(cells) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel("shift a (in units of [0,1])")
    for axes in grid[:, 0]:
        axes.set_ylabel("width b − a (log scale)")
    bar = figure.colorbar(
        mpl.cm.ScalarMappable(norm, COLOURS), ax=grid, fraction=0.03, pad=0.01, extend="max"
    )
    bar.set_ticks([0, 0.1, 0.5, 1, 2, 5, 10, 20])
    bar.ax.set_yticklabels([f"{tick:g}" for tick in bar.get_ticks()])
    bar.set_label("PSNR lost against [0, 1] (dB, square-root scale)")
    where = " and ".join(
        f"{dataset_name(d)}, {counted(part['images'], 'image')}, test σ = {s:g}"
        for (d, s), part in numbers.groupby(["dataset", "sigma"], sort=False)
    )
    heading(
        figure,
        titled("What the range [a, b] costs", numbers),
        f"{trained_names(numbers['train_sigma'])}; {where}{part_note(numbers)}; "
        f"{sent(numbers)}, denoised in float32, and back; dB lost, mean over images; "
        f"{counted(numbers['draws'], 'noise draw')} per image, "
        f"{counted(numbers['seeds'], 'training seed')}",
    )
    return figure


def _panel(axes: Axes, loss: pd.DataFrame, norm: PowerNorm) -> None:
    """One denoiser; the rows are scales, the columns shifts, both rising from the lower left corner."""
    seaborn.heatmap(
        loss, ax=axes, cmap=COLOURS, norm=norm, cbar=False, linewidths=0.5, linecolor="white",
        annot=loss.map(short), fmt="", annot_kws={"fontsize": 7},
    )  # fmt: skip
    cells = axes.collections[0].get_facecolors()[loss.notna().to_numpy().ravel()]
    for text, cell in zip(axes.texts, cells, strict=True):  # seaborn's own choice is white on light brown
        text.set_color(INK if relative_luminance(cell) > 0.22 else "white")  # whichever has more contrast
    axes.invert_yaxis()
    axes.set_xticks(np.arange(loss.shape[1]) + 0.5, [_axis(v) for v in loss.columns], rotation=40)
    axes.set_yticks(np.arange(loss.shape[0]) + 0.5, [_axis(v) for v in loss.index], rotation=0)
    axes.set(xlabel="", ylabel="")
    axes.grid(False)
    axes.tick_params(length=0)
    for value, values, line in ((0, loss.columns, axes.axvline), (1, loss.index, axes.axhline)):
        if value in values:  # the cross of pure scalings and pure shifts
            edge = list(values).index(value)
            for at in (edge, edge + 1):
                line(at, color=GREY, linewidth=0.9)


def _axis(value: float) -> str:
    return minus(f"{value:g}")


def short(loss: float) -> str:
    """``0``, ``0.04``, ``3.1``, ``14``; a gain has a minus sign."""
    digits = 2 if abs(loss) < 0.995 else 1 if abs(loss) < 9.95 else 0
    text = f"{loss:.{digits}f}"
    return minus("0" if float(text) == 0 else text)


def make(table: Path, out: Path) -> list[Path]:
    """Read ``heatmap.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = heatmap_losses(read_heatmap(table))
    return write(lambda: draw(numbers), numbers, out)
