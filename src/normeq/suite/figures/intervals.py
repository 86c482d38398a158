"""PSNR against the interval [a,b] on which the image is presented: an equivariant denoiser does not care."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import blended_transform_factory

from normeq.suite.analysis.intervals import in_order, interval_name, interval_summary
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import GREY, LineStyle, heading, legend, line_styles, titled, write
from normeq.suite.formats.numbers import minus
from normeq.suite.results.long_tables import read_intervals
from normeq.suite.results.names import counted, dataset_name, level_name, trained_names
from normeq.suite.results.normalise import sent

FIGURE = FigureKind(
    help="PSNR against the interval [a,b] on which the image is presented.",
    order=30,
    reads="intervals.csv",
)

TICKS = [-50, -20, -10, -5, -2, -1, -0.5, -0.2, -0.1, 0, 0.1, 0.2, 0.5, 1, 2, 5, 10]
LINEAR = 0.1  # dB; the change axis is linear within, logarithmic beyond: 1e-5 dB and 20 dB in one picture
SPREAD = 0.13  # side by side, so that markers of equal height stay visible


def plotted(table: pd.DataFrame) -> pd.DataFrame:
    """Every number of the figure: those of :func:`interval_summary`, with the position on the x-axis.

    Returns:
        its columns, after ``position`` (0 for [0,1], then scalings, then shifts) and ``interval`` (label).
    """
    numbers = interval_summary(table)
    order = in_order(numbers)
    positions = {pair: i for i, pair in enumerate(order[["a", "b"]].itertuples(index=False, name=None))}
    pairs = list(numbers[["a", "b"]].itertuples(index=False, name=None))
    numbers.insert(0, "position", [positions[pair] for pair in pairs])
    numbers.insert(1, "interval", [interval_name(*pair) for pair in pairs])
    return numbers


def draw(numbers: pd.DataFrame) -> Figure:
    """Draw the numbers of :func:`plotted`: columns are data sets; rows PSNR and change, per level."""
    style = line_styles(numbers)
    datasets = list(numbers["dataset"].unique())
    trained = numbers[numbers["train_sigma"] != ""] if (numbers["train_sigma"] != "").any() else numbers
    levels = list(trained[["train_sigma", "sigma"]].drop_duplicates().itertuples(index=False, name=None))
    heights = [2.2, 2.9] * len(levels)
    count = numbers["position"].nunique()
    width = max((1.4 + 0.4 * count) * len(datasets), 6.6)
    figure = Figure(figsize=(min(width, 12), sum(heights) + 1.55), layout="constrained")
    grid = figure.subplots(
        len(heights), len(datasets), squeeze=False, sharex=True, sharey="row", height_ratios=heights
    )
    for row, axes_row in enumerate(grid):
        (level, sigma), value = levels[row // 2], ("psnr", "change")[row % 2]
        if value == "change":
            axes_row[0].set_yscale("symlog", linthresh=LINEAR, linscale=0.5)
        for axes, dataset in zip(axes_row, datasets, strict=True):
            cell = numbers[(numbers["sigma"] == sigma) & (numbers["dataset"] == dataset)]
            # An untrained denoiser is shown beside each level of training.
            cell = cell[cell["train_sigma"].isin({level, ""})]
            for i, (key, line) in enumerate(cell.groupby(["network", "variant"], sort=False)):
                offset = (i - (len(style) - 1) / 2) * SPREAD * min(1, 5 / len(style))
                _line(axes, line.sort_values("position"), value, style[key], offset)
            _groups(axes, numbers, named=value == "psnr")
            if value == "psnr":
                title = f"{dataset_name(dataset)}, {counted(cell['images'], 'image')}, test σ = {sigma:g}"
                axes.set_title(
                    title + (f", training σ = {level_name(level)}" if len(levels) > 1 and level else ""),
                    pad=17,
                )
        axes_row[0].set_ylabel({"psnr": "PSNR (dB)", "change": "change from [0, 1] (dB)"}[value])
        if value == "change":
            _change_axis(axes_row[0])
    labels = numbers.drop_duplicates("position").sort_values("position")
    for axes in grid[-1]:
        axes.set_xticks(
            labels["position"], labels["interval"], rotation=40, ha="right", rotation_mode="anchor"
        )
        axes.set_xlim(-0.6, count - 0.4)
        axes.set_xlabel("interval [a, b] on which the image is presented")
    _words(figure, numbers, style)
    return figure


def _line(axes: Axes, line: pd.DataFrame, value: str, look: LineStyle, offset: float) -> None:
    x, y = line["position"] + offset, line[value]
    axes.vlines(x, line[f"{value}_low"], line[f"{value}_high"], color=look.colour, linewidth=1.2, zorder=2)
    marks = {"color": look.colour, "marker": look.marker, "markersize": 4.6}
    for _, part in line.groupby(line["a"] == 0, sort=False):  # lines guide the eye within a group, not across
        axes.plot(x[part.index], y[part.index], **marks, linestyle=look.line, linewidth=1, zorder=3)


def _groups(axes: Axes, numbers: pd.DataFrame, named: bool) -> None:
    """Say which intervals only scale the image and which also shift it."""
    scaled = numbers.loc[numbers["a"] == 0, "position"].max()
    last = numbers["position"].max()
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=1) if not named else None
    above = blended_transform_factory(axes.transData, axes.transAxes)
    for first, end, text in ((0, scaled, "scaled"), (scaled + 1, last, "scaled and shifted")):
        if end < first:
            continue
        if first:
            axes.axvline(first - 0.5, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)))
        if named:
            axes.text((first + end) / 2, 1.03, text, transform=above, ha="center", fontsize=8.5, color=GREY)


def _change_axis(axes: Axes) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(low, max(high, LINEAR))
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in TICKS if low <= tick <= max(high, LINEAR)]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: minus(f"{value:+g}") if value else "0"))
    axes.yaxis.set_minor_locator(NullLocator())


def _words(figure: Figure, numbers: pd.DataFrame, style: dict[tuple[str, str], LineStyle]) -> None:
    legend(figure, style)
    heading(
        figure,
        titled("The same noisy image presented on [a, b]", numbers),
        f"{trained_names(numbers['train_sigma'])}; {sent(numbers)}, denoised, and back; "
        "mean over images, "
        "bars: 95 % interval over images (change: paired); "
        f"{counted(numbers['draws'], 'noise draw')} per image, {counted(numbers['seeds'], 'training seed')}; "
        f"lower axis linear within ±{LINEAR:g} dB, logarithmic beyond",
    )


def make(table: Path, out: Path) -> list[Path]:
    """Read ``intervals.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = plotted(read_intervals(table))
    return write(lambda: draw(numbers), numbers, out)
