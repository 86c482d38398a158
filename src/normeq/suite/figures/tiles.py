"""Tiles beside the whole image: the largest difference, without and with a halo."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from normeq.suite.analysis.tiles import read_tiles, tile_differences
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import GREY, heading, line_styles, titled, write
from normeq.suite.results.long_tables import IDENTITY
from normeq.suite.results.names import all_of, counted, dataset_name, denoiser_name, sides, trained_names

FIGURE = FigureKind(
    help="Largest difference between an image denoised whole and in tiles.",
    order=65,
    reads="tiles.csv",
)

ROW = 0.42  # inches
LEAST = 1e-5  # gray levels; what is drawn for no difference at all
ROUNDING = 0.01


def draw(numbers: pd.DataFrame) -> Figure:
    """A panel for each data set; a line for each denoiser, open without and filled with a halo.

    Args:
        numbers: as :func:`normeq.suite.analysis.tiles.tile_differences` gives them.
    """
    style = line_styles(numbers)
    datasets = list(numbers["dataset"].unique())
    lines = list(numbers[IDENTITY].drop_duplicates().itertuples(index=False, name=None))
    figure = Figure(figsize=(7.6, len(datasets) * (ROW * len(lines) + 0.7) + 1.3), layout="constrained")
    grid = figure.subplots(len(datasets), 1, squeeze=False, sharex=True)
    for axes, dataset in zip(grid[:, 0], datasets, strict=True):
        axes.set_xscale("log")
        axes.axvspan(LEAST / 3, ROUNDING, color=GREY, alpha=0.15, linewidth=0)
        here = numbers[numbers["dataset"] == dataset]
        for position, key in enumerate(lines):
            rows = here[(here[IDENTITY] == list(key)).all(axis=1)]
            look = style[key[0], key[1]]
            values = rows.set_index("halo")["difference"].clip(lower=LEAST)
            axes.hlines(position, values.min(), values.max(), color=look.colour, linewidth=1, zorder=2)
            for halo, value in values.items():
                face = "white" if halo == "none" else look.colour
                axes.plot(value, position, look.marker, color=look.colour, markerfacecolor=face, zorder=3)
        axes.set_yticks(range(len(lines)), [denoiser_name(network, variant) for network, variant, _ in lines])
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.set_title(f"{dataset_name(dataset)}, {counted(here['images'], 'image')}")
        axes.grid(axis="y", visible=False)
    axes.set_xlabel("largest difference from the image denoised whole (gray levels)")
    heading(
        figure,
        titled("Denoised in tiles", numbers),
        f"{trained_names(numbers['train_sigma'])}; test σ = {all_of(numbers['sigma'])}; "
        f"tiles of {sides(numbers['tile'])} pixels; "
        "open: without a halo, filled: with a halo of the receptive field; gray: rounding",
    )
    return figure


def make(table: Path, out: Path) -> list[Path]:
    """Read ``tiles.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = tile_differences(read_tiles(table))
    return write(lambda: draw(numbers), numbers, out)
