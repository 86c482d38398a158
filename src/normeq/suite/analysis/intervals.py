"""Mean PSNR on every interval [a,b], and its change from [0,1]."""

from __future__ import annotations

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.formats.numbers import minus
from normeq.suite.results.long_tables import CONDITION, MEASUREMENT
from normeq.suite.statistics.means import paired, per_image, summarise

KEYS = [*CONDITION, "a", "b", "normalise"]


def interval_name(a: float, b: float) -> str:
    """``[0, 255]``; a proper minus sign."""
    return minus(f"[{a:g}, {b:g}]")


def in_order(intervals: pd.DataFrame) -> pd.DataFrame:
    """The distinct (a, b): [0,1], then those that only scale it, then those that also shift; by width."""
    distinct = intervals[["a", "b"]].drop_duplicates()
    group = np.select([(distinct["a"] == 0) & (distinct["b"] == 1), distinct["a"] == 0], [0, 1], 2)
    keys = distinct.assign(group=group, width=distinct["b"] - distinct["a"])
    return keys.sort_values(["group", "width", "a"], kind="stable").reset_index(drop=True)


def interval_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean PSNR on every interval, and the change from [0,1], each with its 95 % interval over images.

    The change is that of measurements with the same image, seed and draw; those that [0,1] does not have are
    left out of it. Draws and seeds are averaged within the image.

    Returns:
        network, variant, train_sigma, dataset, sigma, a, b, normalise, psnr, psnr_low, psnr_high, change,
        change_low, change_high (dB), images, seeds, draws.

    Raises:
        NormeqError: the rows for [0,1] are missing, or have no seed and draw of those of another interval.
    """
    images = per_image(table, "psnr", KEYS)
    unit = table[(table["a"] == 0) & (table["b"] == 1)]
    changes = per_image(paired(table, unit, "psnr", [*CONDITION, *MEASUREMENT]), "psnr", KEYS)
    if len(changes) != len(images):
        raise NormeqError(
            "every denoiser needs rows for the interval a=0, b=1, of the same images, seeds and draws: the"
            " others are compared with it"
        )
    psnr = summarise(images, "psnr", KEYS).rename(
        columns={"mean": "psnr", "low": "psnr_low", "high": "psnr_high"}
    )
    change = summarise(changes, "psnr", KEYS).rename(
        columns={"mean": "change", "low": "change_low", "high": "change_high"}
    )
    counts = ["images", "seeds", "draws"]
    result = psnr.merge(change.drop(columns=counts), on=KEYS, how="left", validate="one_to_one")
    return result[[column for column in result.columns if column not in counts] + counts]
