"""The interval table: PSNR when the image is presented on [a,b] instead of [0,1]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import IDENTITY, read_intervals
from normeq.suite.results.names import dataset_name, measured_on, protocol_note, variant_name
from normeq.suite.statistics.means import paired, per_image, summarise
from normeq.suite.tables.formats import Table, signed, with_interval

KEYS = [*IDENTITY, "dataset", "sigma", "a", "b"]


def interval_name(a: float, b: float) -> str:
    """``[0, 255]``; a proper minus sign."""
    return f"[{a:g}, {b:g}]".replace("-", "−")


def in_order(intervals: pd.DataFrame) -> pd.DataFrame:
    """The distinct (a, b): [0,1], then those that only scale it, then those that also shift; by width."""
    distinct = intervals[["a", "b"]].drop_duplicates()
    group = np.select([(distinct["a"] == 0) & (distinct["b"] == 1), distinct["a"] == 0], [0, 1], 2)
    keys = distinct.assign(group=group, width=distinct["b"] - distinct["a"])
    return keys.sort_values(["group", "width", "a"], kind="stable").reset_index(drop=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean PSNR on every interval, and the change from [0,1] paired by image, each with its 95 % interval.

    Returns:
        network, variant, train_sigma, dataset, sigma, a, b, psnr, psnr_low, psnr_high, change, change_low,
        change_high (dB), images, seeds, draws.

    Raises:
        NormeqError: the rows for [0,1] are missing.
    """
    images = per_image(table, "psnr", KEYS)
    unit = images[(images["a"] == 0) & (images["b"] == 1)]
    on = [*IDENTITY, "dataset", "sigma", "image"]
    if len(unit) != len(images[on].drop_duplicates()):
        raise NormeqError(
            "every denoiser needs rows for the interval a=0, b=1: the others are compared with it"
        )
    psnr = summarise(images, "psnr", KEYS).rename(
        columns={"mean": "psnr", "low": "psnr_low", "high": "psnr_high"}
    )
    change = summarise(paired(images, unit, "psnr", on), "psnr", KEYS)
    psnr[["change", "change_low", "change_high"]] = change[["mean", "low", "high"]]
    counts = ["images", "seeds", "draws"]
    return psnr[[column for column in psnr.columns if column not in counts] + counts]


def make(path: Path) -> Table:
    """Build the table from ``intervals.csv``."""
    table = with_leak_free(read_intervals(path))
    numbers = summary(table)
    order = in_order(numbers)
    rows = []
    for key, group in numbers.groupby(["sigma", "dataset", *IDENTITY], sort=False):
        sigma, dataset, network, variant, label = key
        cells = group.set_index(["a", "b"])
        row = {
            "data set": dataset_name(dataset),
            "denoiser": network if variant == "other" else f"{network}, {variant_name(variant, network)}",
            "train σ": label.replace("-", "–") or "–",
            "test σ": f"{sigma:g}",
        }
        for a, b in order[["a", "b"]].itertuples(index=False):
            row[interval_name(a, b)] = _cell(cells.loc[(a, b)]) if (a, b) in cells.index else "–"
        rows.append(row)
    return Table(
        name="intervals",
        numbers=numbers,
        shown=pd.DataFrame(rows).sort_values("test σ", key=lambda c: c.astype(float), kind="stable"),
        title="The same noisy image presented on [a,b]: mean PSNR in dB (change from [0,1])",
        notes=(
            f"{measured_on(numbers)}.",
            "y becomes a + (b − a)·y, is denoised, and goes back; σ is that on [0,1], in 8-bit units.",
            "The change is paired by image; the CSV has its 95 % interval. Below 0.005 dB it prints as 0.00.",
            protocol_note(table),
            *leak_note(numbers),
        ),
    )


def _cell(row: pd.Series) -> str:
    nan = float("nan")
    return f"{with_interval(row['psnr'], nan, nan)} ({signed(row['change'])})"
