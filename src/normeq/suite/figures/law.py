"""PSNR against the pixels trained on, with the fitted law carried on to the published lengths."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from normeq.suite.analysis.law import law_curves, law_points, laws
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import COLOURS, INK, MARKERS, PUBLISHED, heading, legend, line_styles, write
from normeq.suite.results.long_tables import VARIANT_ORDER
from normeq.suite.results.names import counted, dataset_name, trained_names

FIGURE = FigureKind(
    help="PSNR against the pixels trained on, with the fitted law.",
    order=115,
    reads="noise_levels.csv",
    published=True,
    when="has_series_of_lengths",
    otherwise="the config has no network trained at enough lengths, all else alike",
)
BELOW = 1.2  # dB below the best point that are shown; the first pixels gain tens of dB


def draw(numbers: pd.DataFrame) -> Figure:
    """Draw the numbers of :func:`law_curves`: a column for each data set, a row for each law."""
    points = numbers[numbers["kind"] == "point"]
    laws, datasets = list(points["law"].unique()), list(points["dataset"].unique())
    size = (max(6.6, 4.4 * len(datasets)), 4.6 + 3.4 * (len(laws) - 1))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(laws), len(datasets), squeeze=False)
    for axes, (law, dataset) in zip(grid.flat, product(laws, datasets), strict=True):
        cell = numbers[(numbers["law"] == law) & (numbers["dataset"] == dataset)]
        if cell.empty:
            axes.set_visible(False)
            continue
        for variant in sorted(cell["variant"].unique(), key=VARIANT_ORDER.index):
            _variant(axes, cell[cell["variant"] == variant], variant)
        axes.set_xscale("log")
        top = cell.loc[cell["kind"] != "law", "psnr"].max()
        axes.set_ylim(top - BELOW, top + 0.12)
        images = counted(cell.loc[cell["kind"] == "point", "images"], "image")
        title = f"{dataset_name(dataset)}, {images}"
        axes.set_title(f"{law}\n{title}" if len(laws) > 1 else title)
        axes.set_xlabel("pixels trained on (million, log scale)")
    for axes in grid[:, 0]:
        axes.set_ylabel("PSNR (dB)")
    style = line_styles(
        points.sort_values("variant", key=lambda c: c.map(VARIANT_ORDER.index)).assign(network="")
    )
    samples = [
        Line2D([], [], color=INK, marker="o", markerfacecolor="white", linestyle="", label="not in the fit"),
        Line2D([], [], color=INK, linestyle="--", linewidth=1, label="extrapolated"),
    ]
    if (numbers["kind"] == "published").any():
        samples.append(
            Line2D(
                [], [], color=PUBLISHED, marker="o", markerfacecolor="white", linestyle="", label="published"
            )
        )
    legend(figure, style, samples)
    exponents = (
        numbers.dropna(subset=["exponent"]).groupby(["law", "dataset"], sort=False)["exponent"].first()
    )
    named = "; ".join(
        f"{f'{law}, ' if len(laws) > 1 else ''}{dataset_name(name)}: exponent {value:.2f}"
        for (law, name), value in exponents.items()
    )
    heading(
        figure,
        "Accuracy against the length of training",
        f"{trained_names(points['train_sigma'])} and tested there; lines: "
        f"limit − c · pixels^(−exponent), one exponent for all variants ({named}); "
        f"mean over images, {counted(points['draws'], 'noise draw')} per image, "
        f"{counted(points['seeds'], 'training seed')}; "
        f"points more than {BELOW:g} dB below the best are not shown",
    )
    return figure


def _variant(axes: Axes, rows: pd.DataFrame, variant: str) -> None:
    look = {"color": COLOURS[variant], "marker": MARKERS[variant], "linestyle": "", "markersize": 5}
    law = rows[rows["kind"] == "law"].sort_values("mpx")
    seen = rows[(rows["kind"] == "point") & rows["fitted"].astype(bool)]
    for part, line in ((law["mpx"] <= seen["mpx"].max(), "-"), (law["mpx"] >= seen["mpx"].max(), "--")):
        axes.plot(law["mpx"][part], law["psnr"][part], line, color=COLOURS[variant], linewidth=1.1)
    axes.plot(seen["mpx"], seen["psnr"], **look)
    other = rows[(rows["kind"] == "point") & ~rows["fitted"].astype(bool)]
    axes.plot(other["mpx"], other["psnr"], **look, markerfacecolor="white")
    there = rows[rows["kind"] == "published"]
    axes.plot(there["mpx"], there["psnr"], **look | {"color": PUBLISHED}, markerfacecolor="white")


def make(table: Path, out: Path, published: Path | None = None) -> list[Path]:
    """Read ``noise_levels.csv`` and the runs beside it; write OUT.svg, .png, .csv and return their paths."""
    points = law_points(table)
    numbers = law_curves(points, laws(points, published))
    return write(lambda: draw(numbers), numbers, out)
