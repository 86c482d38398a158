"""Sums of adaptive filters, and what the filters leave unexplained, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from normeq.suite.results.csv_files import number_cells, read_csv
from normeq.suite.results.pictures import META, Part

NUMBERS = ["sigma", "psnr", "defect", "row", "col", "sum"]
COLUMNS = [*META, *NUMBERS]


def filter_sums(parts: Sequence[Part]) -> pd.DataFrame:
    """One row per denoiser, σ and pixel.

    Returns:
        network, variant, train_sigma, seed, dataset, image, crop, sigma (8-bit units), psnr (dB), defect
        (‖f(y) − J(y)y‖/‖f(y)‖ of the crop), row, col, sum.
    """
    rows = [
        {**part.meta, "sigma": sigma, "psnr": part["psnr"][i], "defect": part["defect"][i], "row": int(row),
         "col": int(col), "sum": part["sums"][i, j]}
        for part in parts
        for i, sigma in enumerate(part["sigmas"])
        for j, (row, col) in enumerate(part["pixels"])
    ]  # fmt: skip
    return pd.DataFrame(rows)[COLUMNS]


def read_filters(path: Path) -> pd.DataFrame:
    """Read the CSV of this table: the columns of :func:`filter_sums`.

    Raises:
        NormeqError: it is missing, or not that table.
    """
    table = read_csv(path, COLUMNS, remedy="it is not the CSV of `normeq table filters`")
    for column in NUMBERS:
        table[column] = number_cells(path, table[column])
    return table
