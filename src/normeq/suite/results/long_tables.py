"""Reading the long tables: one row per measurement, checked before anything is averaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.nn.variants import VARIANTS
from normeq.suite.results.csv_files import read_csv
from normeq.suite.results.names import natural
from normeq.suite.results.normalise import LATER, MINMAX, NOMINAL
from normeq.suite.results.same_pixels import check_pixels

IDENTITY = ["network", "variant", "train_sigma"]  # which denoiser
SERIES = [*IDENTITY, "dataset"]
CONDITION = [*SERIES, "sigma"]  # what a mean over images is of
MEASUREMENT = ["image", "seed", "draw"]  # what is paired, and averaged in this order from the right
NOISE_LEVELS = [*IDENTITY, "seed", "dataset", "image", "sigma", "draw", "psnr_in", "psnr", "ssim"]
PROTOCOLS = [*NOISE_LEVELS, "psnr_in_clipped", "protocol"]
INTERVALS = [*IDENTITY, "seed", "dataset", "image", "sigma", "a", "b", "normalise", "draw", "psnr"]
HEATMAP = [*IDENTITY, "seed", "dataset", "image", "sigma", "scale", "shift", "normalise", "draw", "psnr"]
TUNING = [*IDENTITY, "seed", "dataset", "image", "sigma", "draw", "tuning", "scale", "shift", "psnr"]
TEXT = set("tuning normalise protocol network variant dataset image train_sigma seed draw".split())
MAY_BE_EMPTY = {"train_sigma", "seed"}  # a user's own denoiser need not be trained
VARIANT_ORDER = [*VARIANTS, "other"]
DATASET_ORDER = ["set12", "set12-without-04", "bsd68", "skimage-test"]


def read_noise_levels(path: Path) -> pd.DataFrame:
    """Read ``noise_levels.csv``: PSNR (dB) and SSIM per denoiser, image, test sigma (8-bit units) and draw.

    Returns:
        The table in showing order; ``train_sigma`` as text (``25``, ``5-50``, empty if untrained).

    Raises:
        NormeqError: missing file or columns, no rows, a value that is not a number, a measurement listed
            twice, or denoisers measured on different images, also under one name (their means could not be
            compared).
    """
    return _read(path, NOISE_LEVELS, [*IDENTITY, "dataset", "sigma"])


def read_intervals(path: Path) -> pd.DataFrame:
    """Read ``intervals.csv``: PSNR (dB, after going back to [0,1]) per denoiser, image and interval [a,b].

    Returns:
        As :func:`read_noise_levels`.

    Raises:
        NormeqError: as :func:`read_noise_levels`.
    """
    return _read(path, INTERVALS, [*IDENTITY, "dataset", "sigma", "a", "b"])


def read_protocols(path: Path) -> pd.DataFrame:
    """Read ``protocols.csv``: as ``noise_levels.csv``, the same images under several protocols.

    Returns:
        As :func:`read_noise_levels`.

    Raises:
        NormeqError: as :func:`read_noise_levels`.
    """
    return _read(path, PROTOCOLS, [*IDENTITY, "dataset", "sigma", "protocol"])


def read_heatmap(path: Path) -> pd.DataFrame:
    """Read ``heatmap.csv``: PSNR (dB, after going back to [0,1]) per denoiser, image, scale and shift.

    Returns:
        As :func:`read_noise_levels`.

    Raises:
        NormeqError: as :func:`read_noise_levels`.
    """
    return _read(path, HEATMAP, [*IDENTITY, "dataset", "sigma", "scale", "shift"])


def read_tuning(path: Path) -> pd.DataFrame:
    """Read ``tuning.csv``: PSNR (dB) per denoiser, image, test sigma (8-bit units), tuning, λ and μ.

    Returns:
        As :func:`read_noise_levels`.

    Raises:
        NormeqError: as :func:`read_noise_levels`.
    """
    return _read(path, TUNING, [*IDENTITY, "dataset", "sigma", "tuning", "scale", "shift"])


def train_range(label: str) -> tuple[float, float] | None:
    """Noise levels of training, 8-bit units: ``25`` is (25, 25), ``5-50`` is (5, 50), empty is None."""
    if not label:
        return None
    low, _, high = label.partition("-")
    return float(low), float(high or low)


def _read(path: Path, columns: list[str], group: list[str]) -> pd.DataFrame:
    table = _load(Path(path), columns)
    measurement = [c for c in columns if c not in {"psnr_in", "psnr", "ssim", "psnr_in_clipped"}]
    twice = table[table.duplicated(measurement)]
    if len(twice):
        row = ", ".join(f"{c}={twice.iloc[0][c]}" for c in measurement)
        raise NormeqError(f"{path}: a measurement is listed twice ({row}); collect each part once")
    for what, several in (("protocol", "protocols"), ("normalise", "normalisations")):
        found = sorted(set(table.get(what, [])))
        if len(found) > 1 and not (what == "protocol" and what in columns):
            raise NormeqError(f"{path}: several {several} ({', '.join(found)}); their numbers do not compare")
    if "normalise" in columns and not set(table["normalise"]) <= {NOMINAL, MINMAX}:
        raise NormeqError(f"{path}: column normalise has {found[0]!r}, not {NOMINAL} or {MINMAX}")
    _same_images(path, table, group)
    check_pixels({path: table})
    return showing_order(table)


def _load(path: Path, columns: list[str]) -> pd.DataFrame:
    table = read_csv(path, columns, later=LATER)
    for column in columns:
        cells = table[column].str.strip()
        if column in TEXT:
            bad = pd.Series(False, index=cells.index) if column in MAY_BE_EMPTY else cells == ""
        else:
            numbers = pd.to_numeric(cells, errors="coerce")
            bad = numbers.isna() if column == "psnr_in" else ~np.isfinite(numbers)  # σ = 0 has psnr_in = inf
            table[column] = numbers.astype(float)
        if bad.any():
            line = int(np.flatnonzero(bad)[0])
            raise NormeqError(
                f"{path}, line {line + 2}: column {column} has {cells[line]!r}, not a "
                + ("name" if column in TEXT else "finite number")
            )
    try:
        table["train_sigma"] = table["train_sigma"].map(_tidy)
    except ValueError:
        bad_labels = sorted(set(table["train_sigma"]))
        raise NormeqError(
            f"{path}: column train_sigma must hold numbers or ranges LOW-HIGH, not {', '.join(bad_labels)}"
        ) from None
    return table


def _tidy(label: str) -> str:
    """``25.0`` and ``25`` are one level; ``nan`` is none."""
    bounds = train_range("" if label.lower() == "nan" else label)
    if bounds and not bounds[0] <= bounds[1]:
        raise ValueError(label)
    return "" if bounds is None else "-".join(dict.fromkeys(f"{bound:g}" for bound in bounds))


def _same_images(path: Path, table: pd.DataFrame, group: list[str]) -> None:
    names = table.groupby([*group, "seed", "draw"], sort=False)["image"].agg(frozenset).reset_index()
    for dataset, rows in names.groupby("dataset", sort=False):
        if rows["image"].nunique() > 1:
            few = rows["image"].map(len).idxmin()
            many = rows.index[rows["image"] != rows["image"][few]][-1]
            text = " and ".join(
                f"{len(rows.image[i])} for {rows.network[i]}/{rows.variant[i]} at sigma {rows.sigma[i]:g}"
                + (f", seed {rows.seed[i]}" if rows.seed[i] else "")
                + f", draw {rows.draw[i]}"
                for i in (few, many)
            )
            raise NormeqError(
                f"{path}: denoisers differ in their {dataset} images ({text}); evaluate all on the same"
            )


def _training_order(label: str) -> tuple[bool, float, float]:
    """Single levels first, then ranges; what is not trained last."""
    bounds = train_range(label)
    return (bounds is None or bounds[0] != bounds[1], *(bounds or (np.inf, np.inf)))


def showing_order(table: pd.DataFrame) -> pd.DataFrame:
    """Known data sets and variants in the paper's order; networks by name (10M, 41M, 164M), users' last."""

    def rank(values: pd.Series, known: list[str]) -> pd.Series:
        order = [*known, *sorted(set(values) - set(known))]
        return values.map(order.index)

    networks = sorted(set(table["network"]), key=natural)
    keys = pd.DataFrame(
        {
            "train": table["train_sigma"].map(_training_order),
            "other": table["variant"] == "other",
            "network": table["network"].map(networks.index),
            "variant": rank(table["variant"], VARIANT_ORDER),
            "dataset": rank(table["dataset"], DATASET_ORDER),
            "sigma": table["sigma"],
        }
    )
    return table.loc[keys.sort_values(list(keys.columns), kind="stable").index].reset_index(drop=True)
