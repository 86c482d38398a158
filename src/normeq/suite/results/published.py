"""Published values, read from ``data/published``; rows that nobody verified never appear."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.nn.variants import names_in
from normeq.suite.results.csv_files import read_csv
from normeq.suite.results.names import UNTRAINED

COLUMNS = (
    "paper", "method", "variant", "architecture", "train_sigma", "test_sigma",
    "dataset", "metric", "value", "source", "verified",
)  # fmt: skip

CURVE = ["variant", "sigma", "value", "architecture", "train_sigma", "paper", "source"]  # of one network

AUTHORS = {
    "Herbreteau2023": "Herbreteau et al. 2023",
    "Mohan2020": "Mohan et al. 2020",
    "Saied2026": "Saied & Fleuret 2026",
    "Zhang2017-DnCNN": "Zhang et al. 2017",
    "Zhang2022-DPIR": "Zhang et al. 2022",
}


def published_files(folder: Path | None = None) -> list[Path]:
    """The files that may be read there."""
    names = ("published_psnr.csv", "published_curves.csv")
    return [] if folder is None else [Path(folder) / name for name in names]


def read_published(folder: Path, name: str) -> pd.DataFrame:
    """Read one file of published values.

    Args:
        folder: holds ``published_psnr.csv`` (tables) and ``published_curves.csv`` (curves over noise levels).
        name: the file's name.

    Returns:
        The verified rows, all columns as text except ``value`` (float; dB for PSNR). Sigma in 8-bit units.

    Raises:
        NormeqError: the file or a column is missing, or a verified value is not a finite number.
    """
    path = Path(folder) / name
    if not path.is_file():
        raise NormeqError(f"published values not found: {path}; point --published at data/published")
    table = read_csv(path, COLUMNS)
    table = table[table["verified"] == "yes"].reset_index(drop=True)
    table["value"] = pd.to_numeric(table["value"], errors="coerce")
    bad = table.index[~table["value"].map(math.isfinite)]
    if len(bad):
        raise NormeqError(f"{path}: a verified row has no number in column value ({table.source[bad[0]]})")
    return table


def printed(psnr: pd.DataFrame) -> pd.DataFrame:
    """Rows that a paper prints in a table; logs of the same runs have other digits."""
    return psnr[psnr["source"].str.contains(r" Tables? \d+(?: and \d+)*$", regex=True)]


def same_number(text: str, number: float) -> bool:
    """Whether a cell such as ``25`` or ``25.0`` is this number; ranges (``0-55``) and words never are."""
    try:
        return math.isclose(float(text), number, rel_tol=1e-9)
    except ValueError:
        return False


def _range(text: str) -> tuple[float, float] | None:
    """Ends of a cell such as ``0-75``; None for single numbers and words."""
    low, dash, high = text.partition("-")
    try:
        return (float(low), float(high)) if dash else None
    except ValueError:
        return None


def _holds(text: str, number: float) -> bool:
    """Whether a cell such as ``0-75`` is a range around this number."""
    ends = _range(text)
    return ends is not None and ends[0] <= number <= ends[1]


def at_sigma(psnr: pd.DataFrame, sigma: float, dataset: str, ranges: bool = False) -> pd.DataFrame:
    """Rows with standard PSNR of one data set at test ``sigma``, trained at that very level or not at all;
    with ``ranges`` those trained on a range that holds it, instead of at that level."""
    fits = _holds if ranges else same_number
    matched = psnr["train_sigma"].map(lambda text: text == UNTRAINED or fits(text, sigma))
    return psnr[
        (psnr["dataset"].str.lower() == dataset.lower())
        & (psnr["metric"] == "PSNR")
        & psnr["test_sigma"].map(lambda text: same_number(text, sigma))
        & matched
    ]


def named_values(psnr: pd.DataFrame, named: Mapping[str, str], dataset: str, sigma: float) -> pd.DataFrame:
    """Rows with standard PSNR of one method of a paper, on one data set at test ``sigma`` (8-bit units).

    Args:
        psnr: the verified rows of ``published_psnr.csv``.
        named: ``paper`` and ``method``; perhaps ``train_sigma`` as that column has it (without it the test
            level), and ``source``, how that column ends, where a paper prints a method twice.
    """
    wanted = named.get("train_sigma")

    def trained(text: str) -> bool:
        return text == wanted if wanted else same_number(text, sigma)

    return psnr[
        (psnr["paper"] == named["paper"])
        & (psnr["method"] == named["method"])
        & (psnr["dataset"].str.lower() == dataset.lower())
        & (psnr["metric"] == "PSNR")
        & psnr["train_sigma"].map(trained).astype(bool)  # without rows, map keeps text
        & psnr["test_sigma"].map(lambda text: same_number(text, sigma)).astype(bool)
        & psnr["source"].str.endswith(named.get("source", ""))
    ]


def nearest_curves(curves: pd.DataFrame, train: tuple[float, float], dataset: str) -> pd.DataFrame:
    """Published curves to show beside networks trained on ``train`` (the ends of a range, equal for a single
    level; 8-bit units): :func:`fdncnn_curves`, or where there are none :func:`mohan_curves`.

    Returns:
        As these two.
    """
    low, high = train
    rows = fdncnn_curves(curves, low, dataset) if low == high else curves.iloc[:0]
    return mohan_curves(curves, train, dataset) if rows.empty else rows


def fdncnn_curves(curves: pd.DataFrame, train_sigma: float, dataset: str) -> pd.DataFrame:
    """Output PSNR over noise levels of the FDnCNN-20 of Saied & Fleuret 2026, Figure 10 (one backbone).

    Returns:
        variant (our name), sigma (8-bit units), value (dB), architecture, train_sigma (as published), paper
        (key of :data:`AUTHORS`), source; empty if not published.
    """
    rows = curves[
        (curves["paper"] == "Saied2026")
        & (curves["architecture"] == "FDnCNN-20")
        & (curves["metric"] == "PSNR")
        & (curves["dataset"].str.lower() == dataset.lower())
        & curves["source"].str.contains("Figure 10 ", regex=False)
        & curves["train_sigma"].map(lambda text: same_number(text, train_sigma))
    ]
    return _ours(rows, "Saied2026")


def mohan_curves(curves: pd.DataFrame, train: tuple[float, float], dataset: str) -> pd.DataFrame:
    """Output PSNR over noise levels of the DnCNN of Mohan et al. 2020, trained on the smallest published
    range of noise levels that holds ``train`` (low, high; 8-bit units).

    Another architecture, trained otherwise, and blind: a neighbour of our networks, not the same.

    Returns:
        As :func:`fdncnn_curves`; variants ordinary (with biases) and scale (bias-free).
    """
    rows = curves[
        (curves["paper"] == "Mohan2020")
        & (curves["method"] == "DnCNN")
        & (curves["metric"] == "PSNR")
        & (curves["dataset"].str.lower() == dataset.lower())
    ]
    low, high = train
    ranges = {text: ends for text in rows["train_sigma"].unique() if (ends := _range(text))}
    widths = {text: b - a for text, (a, b) in ranges.items() if a <= low and high <= b}
    rows = rows[rows["train_sigma"] == min(widths, key=lambda text: widths[text], default=None)]
    return _ours(rows.assign(architecture=rows["method"]), "Mohan2020")


def _ours(rows: pd.DataFrame, paper: str) -> pd.DataFrame:
    """Rows with our names of variants, in order."""
    ours = {theirs: name for name, theirs in names_in(paper).items()}
    rows = rows[rows["variant"].isin(ours.keys())].assign(
        variant=lambda frame: frame["variant"].map(ours),
        sigma=lambda frame: frame["test_sigma"].astype(float),
    )
    return rows[CURVE].sort_values(["variant", "sigma"])
