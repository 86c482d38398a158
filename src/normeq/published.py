"""Published values, read from ``data/published``; rows that nobody verified never appear."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError

COLUMNS = (
    "paper", "method", "variant", "architecture", "train_sigma", "test_sigma",
    "dataset", "metric", "value", "source", "verified",
)  # fmt: skip

UNTRAINED = "n/a"  # in train_sigma, for methods such as BM3D

# Our variant -> the name under which Saied & Fleuret list the same idea.
SAIED_VARIANTS = {"ordinary": "baseline", "scale": "scale-equiv", "norm": "norm-equiv", "wrapped": "wne"}
AUTHORS = {
    "Herbreteau2023": "Herbreteau et al. 2023",
    "Mohan2020": "Mohan et al. 2020",
    "Saied2026": "Saied & Fleuret 2026",
    "Zhang2017-DnCNN": "Zhang et al. 2017",
    "Zhang2022-DPIR": "Zhang et al. 2022",
}


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
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise NormeqError(
            f"published values not found: {path}; point --published at data/published"
        ) from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise NormeqError(f"cannot read {path} as a CSV table: {error}") from None
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise NormeqError(f"{path}: missing column(s) {', '.join(missing)}")
    table = table[table["verified"] == "yes"].reset_index(drop=True)
    table["value"] = pd.to_numeric(table["value"], errors="coerce")
    bad = table.index[~table["value"].map(math.isfinite)]
    if len(bad):
        raise NormeqError(f"{path}: a verified row has no number in column value ({table.source[bad[0]]})")
    return table


def same_number(text: str, number: float) -> bool:
    """Whether a cell such as ``25`` or ``25.0`` is this number; ranges (``0-55``) and words never are."""
    try:
        return math.isclose(float(text), number, rel_tol=1e-9)
    except ValueError:
        return False


def _holds(text: str, number: float) -> bool:
    """Whether a cell such as ``0-75`` is a range around this number."""
    low, dash, high = text.partition("-")
    try:
        return bool(dash) and float(low) <= number <= float(high)
    except ValueError:
        return False


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


def fdncnn_curves(curves: pd.DataFrame, train_sigma: float, dataset: str) -> pd.DataFrame:
    """Output PSNR over noise levels of the FDnCNN-20 of Saied & Fleuret 2026, Figure 10 (one backbone).

    Returns:
        variant (our name), sigma (8-bit units), value (dB), architecture, source; empty if not published.
    """
    rows = curves[
        (curves["paper"] == "Saied2026")
        & (curves["architecture"] == "FDnCNN-20")
        & (curves["metric"] == "PSNR")
        & (curves["dataset"].str.lower() == dataset.lower())
        & curves["source"].str.contains("Figure 10 ", regex=False)
        & curves["train_sigma"].map(lambda text: same_number(text, train_sigma))
    ]
    ours = {theirs: name for name, theirs in SAIED_VARIANTS.items()}
    rows = rows[rows["variant"].isin(ours.keys())].assign(
        variant=lambda frame: frame["variant"].map(ours),
        sigma=lambda frame: frame["test_sigma"].astype(float),
    )
    return rows[["variant", "sigma", "value", "architecture", "source"]].sort_values(["variant", "sigma"])
