"""Output PSNR against input PSNR, in both definitions of the latter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.analysis.noise_levels import noise_level_curves
from normeq.suite.results.csv_files import number_cells
from normeq.suite.results.long_tables import read_noise_levels, train_range

AXES = {"unclipped": "psnr_in", "clipped": "psnr_in_clipped"}


def read_input_psnr(path: Path) -> pd.DataFrame:
    """Read ``noise_levels.csv`` with ``psnr_in_clipped``: input PSNR (dB) of the clipped noisy image.

    Raises:
        NormeqError: as :func:`normeq.suite.results.long_tables.read_noise_levels`, or without that column.
    """
    table = read_noise_levels(path)
    if "psnr_in_clipped" not in table.columns:
        raise NormeqError(f"{path}: missing column psnr_in_clipped; measure again with normeq evaluate")
    return table.assign(psnr_in_clipped=number_cells(path, table["psnr_in_clipped"]))


def input_psnr_curves(table: pd.DataFrame, published: Path | None = None) -> pd.DataFrame:
    """Every number of the figure.

    Where only σ is known (published curves, levels of training) the input PSNR is that of our noisy images at
    that σ, between measured levels by interpolation: it depends on images and noise alone.

    Args:
        table: as :func:`read_input_psnr` gives it.
        published: folder of published values, or None.

    Returns:
        axis (unclipped, clipped), kind (denoiser, published, training), train, network, variant, train_sigma,
        dataset, sigma (8-bit units), psnr_in (dB, on that axis, mean over images), value (dB), low, high,
        images, seeds, draws, paper, source.
    """
    numbers = noise_level_curves(table, published)
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
