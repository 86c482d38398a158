"""Output PSNR against input PSNR, in both definitions of the latter: papers use either as their x-axis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from normeq.errors import NormeqError
from normeq.suite.analysis import noise_levels as noise_level_numbers
from normeq.suite.figures.noise_levels import (
    DOTTED,
    curve,
    mark_training,
    published_curves,
    published_sample,
    words,
)
from normeq.suite.figures.style import heading, legend, looks, paper_style, save
from normeq.suite.results.long_tables import read_noise_levels, train_range
from normeq.suite.results.names import counted, dataset_name

AXES = {"unclipped": "psnr_in", "clipped": "psnr_in_clipped"}
LABELS = {
    "unclipped": "input PSNR, noisy image as it is (dB; noise grows →)",
    "clipped": "input PSNR, noisy image clipped to [0,1] (dB; noise grows →)",
}


def plotted(table: pd.DataFrame, published: Path | None = None) -> pd.DataFrame:
    """Every number of the figure.

    Where only σ is known (published curves, levels of training) the input PSNR is that of our noisy images at
    that σ, between measured levels by interpolation: it depends on images and noise alone.

    Args:
        table: as :func:`read_noise_levels` gives it, with the column ``psnr_in_clipped``.
        published: folder of published values, or None.

    Returns:
        axis (unclipped, clipped), kind (denoiser, published, training), train, network, variant, train_sigma,
        dataset, sigma (8-bit units), psnr_in (dB, on that axis, mean over images), value (dB), low, high,
        images, seeds, draws, paper, source.
    """
    numbers = noise_level_numbers.plotted(table, published)
    numbers = numbers[(numbers["panel"] == "psnr") & numbers["kind"].isin(["denoiser", "published"])]
    cells = numbers[["train", "dataset"]].drop_duplicates()
    marks = [
        {"kind": "training", "train": train, "dataset": dataset, "sigma": sigma}
        for train, dataset in cells.itertuples(index=False)
        for sigma in dict.fromkeys(train_range(train) or ())
    ]
    numbers = pd.concat([numbers, pd.DataFrame(marks)], ignore_index=True)
    parts = []
    for axis, column in AXES.items():
        for dataset, rows in numbers.groupby("dataset", sort=False):
            psnr_in = _input_psnr(table[table["dataset"] == dataset], column, rows["sigma"].to_numpy(float))
            parts.append(rows.assign(axis=axis, psnr_in=psnr_in))
    result = pd.concat(parts, ignore_index=True)
    result = result[
        np.isfinite(result["psnr_in"]) | (result["kind"] == "training")
    ]  # σ = 0 has no finite one
    front = ["axis", "kind", "train", "network", "variant", "train_sigma", "dataset", "sigma", "psnr_in"]
    return result[[*front, "value", "low", "high", "images", "seeds", "draws", "paper", "source"]]


def _input_psnr(table: pd.DataFrame, column: str, sigmas: np.ndarray) -> np.ndarray:
    """Mean input PSNR (dB) at each σ: 20·log10(255/σ) plus what clipping and chance add, which is smooth."""
    table = table[(table["sigma"] > 0) & np.isfinite(table[column])]
    means = table.groupby(["sigma", "image"])[column].mean().groupby("sigma").mean()
    if means.empty:
        return np.full(len(sigmas), np.nan)
    measured = means.index.to_numpy(float)
    with np.errstate(divide="ignore"):
        nominal, logs = 20 * np.log10(255 / sigmas), np.log(sigmas)
    return nominal + np.interp(logs, np.log(measured), means.to_numpy() - 20 * np.log10(255 / measured))


def draw(numbers: pd.DataFrame) -> Figure:
    """Columns are data sets; rows the two axes, for each level of training."""
    ours = numbers[numbers["kind"] == "denoiser"]
    style = looks(ours)
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
    heading(figure, *words(ours, "Output against input PSNR"))
    return figure


def _axis(axes: Axes, psnr_in: pd.Series) -> None:
    low, high = psnr_in.min(), psnr_in.max()
    margin = 0.04 * (high - low) or 1.0
    bottom, top = axes.get_ylim()
    axes.axline((low, low), slope=1, **DOTTED)
    axes.set(xlim=(high + margin, low - margin), ylim=(bottom, top))  # noise grows to the right
    axes.xaxis.set_major_locator(MultipleLocator(5))


def make(table: Path, out: Path, published: Path | None = None) -> list[Path]:
    """Read ``noise_levels.csv`` and write OUT.svg, OUT.png, OUT.csv; returns their paths.

    Raises:
        NormeqError: as :func:`read_noise_levels`, or no column ``psnr_in_clipped``.
    """
    rows = read_noise_levels(table)
    if "psnr_in_clipped" not in rows.columns:
        raise NormeqError(f"{table}: missing column(s) psnr_in_clipped; measure again with normeq evaluate")
    rows["psnr_in_clipped"] = pd.to_numeric(rows["psnr_in_clipped"], errors="coerce")
    if rows["psnr_in_clipped"].isna().any():
        raise NormeqError(f"{table}: column psnr_in_clipped has a cell that is not a number")
    numbers = plotted(rows, published)
    with paper_style():
        return save(draw(numbers), numbers, out)
