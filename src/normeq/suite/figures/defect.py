"""The published metric of equivariance over noise levels, on a logarithmic scale: where does it hold?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from normeq.suite.analysis.certificate import read_certificate, tolerance
from normeq.suite.analysis.defect import DTYPE, defect_summary
from normeq.suite.figures.noise_levels import curve
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import GREY, PUBLISHED, heading, legend, line_styles, titled, write
from normeq.suite.results.names import counted, dataset_name, level_name, part_note, trained_names
from normeq.suite.results.published import AUTHORS
from normeq.suite.statistics.means import FEW

FIGURE = FigureKind(
    help="Equivariance over noise levels: the published metric, on a logarithmic scale.",
    order=110,
    reads="certificate.csv",
    published=True,
    when="measures_published_metric",
    otherwise="the config has no evaluate.certificate.published, and so one noise level",
)

MARKERS = {"baseline": "o", "wne": "^", "soft-ne": "v"}  # of Saied & Fleuret, as those of our variants
NAMES = {"baseline": "ordinary", "wne": "wrapped", "soft-ne": "penalised"}


def draw(numbers: pd.DataFrame) -> Figure:
    """Draw the numbers of :func:`defect_summary`: columns are data sets and devices, rows training levels."""
    ours = numbers[numbers["kind"] == "denoiser"]
    style = line_styles(ours)
    levels = list(dict.fromkeys(label for label in ours["train_sigma"] if label)) or [""]
    panels = list(ours[["dataset", "device"]].drop_duplicates().itertuples(index=False, name=None))
    size = max(4.4 * len(panels), 6.6), 3.1 * len(levels) + 1.2
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(levels), len(panels), squeeze=False, sharex=True, sharey=True)
    for axes_row, level in zip(grid, levels, strict=True):
        for axes, (dataset, device) in zip(axes_row, panels, strict=True):
            axes.set_yscale("log")
            here = ours[(ours["dataset"] == dataset) & (ours["device"] == device)]
            here = here[here["train_sigma"].isin({level, ""})]
            # Symmetric bounds of few images reach below zero, which has no place on this axis.
            here = here.assign(**{side: here[side].where(here["images"] >= FEW) for side in ("low", "high")})
            for key, line in here.groupby(["network", "variant"], sort=False):
                curve(axes, line, "sigma", style[key])
            grey = numbers[(numbers["kind"] == "published") & (numbers["dataset"] == dataset)]
            _published(axes, grey[grey["sigma"].between(here["sigma"].min(), here["sigma"].max())])
            axes.axhline(tolerance(DTYPE), color=GREY, linestyle="--", linewidth=1)
            axes.annotate(
                "✓ below √ε of float32", (0.995, tolerance(DTYPE)), xycoords=("axes fraction", "data"),
                xytext=(0, 3), textcoords="offset points", color=GREY, fontsize=8, ha="right",
            )  # fmt: skip
            title = f"{dataset_name(dataset)}, {counted(here['images'], 'image')}, {device}"
            several = f", training σ = {level_name(level)}" if len(levels) > 1 else ""
            axes.set_title(title + several)
            axes.set_xlim(left=0)
        axes_row[0].set_ylabel("mean relative defect\n(no unit, log scale)")
    for axes in grid[-1]:
        axes.set_xlabel("test noise level σ (8-bit units)")
    legend(figure, style, _sample(numbers))
    theirs = f"; published: {AUTHORS['Saied2026']}" if (numbers["kind"] == "published").any() else ""
    heading(
        figure,
        titled("How far from f(λy + μ) = λf(y) + μ", ours),
        f"{trained_names(ours['train_sigma'])}; mean of ‖f(λy + μ) − λf(y) − μ‖ / ‖λf(y) + μ‖ over images"
        f"{part_note(ours)} and {counted(ours['draws'], 'draw')} of λ from 0.5…1.5, μ from −0.25…0.25, in "
        f"{DTYPE}; band: 95 % interval over images, from {FEW} on; "
        f"{counted(ours['seeds'], 'training seed')}{theirs}",
    )
    return figure


def _published(axes: Axes, theirs: pd.DataFrame) -> None:
    for (variant, _), line in theirs.groupby(["variant", "train_sigma"], sort=False):
        line = line.sort_values("sigma")
        axes.plot(
            line["sigma"], line["value"], color=PUBLISHED, linewidth=0.9, zorder=2, marker=MARKERS[variant],
            markersize=3.6, markerfacecolor="white", markeredgewidth=0.8,
        )  # fmt: skip


def _sample(numbers: pd.DataFrame) -> list[Line2D]:
    """Legend entries of the published curves, one per kind."""
    theirs = numbers[numbers["kind"] == "published"]
    look = {"color": PUBLISHED, "linewidth": 0.9, "markersize": 3.6, "markerfacecolor": "white"}
    samples = []
    kinds = theirs.groupby(["network", "variant"], sort=False)["train_sigma"].unique()
    for (network, kind), levels in kinds.items():
        trained = " and ".join(map(level_name, levels))
        label = f"published: {network}, {NAMES[kind]}, trained at {trained}"
        samples.append(Line2D([], [], marker=MARKERS[kind], label=label, **look))
    return samples


def make(table: Path, out: Path, published: Path | None = None) -> list[Path]:
    """Read ``certificate.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = defect_summary(read_certificate(table), published)
    return write(lambda: draw(numbers), numbers, out)
