"""Mean PSNR on every interval [a,b], and its change from [0,1]."""

from __future__ import annotations

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.formats.numbers import minus
from normeq.suite.results.long_tables import CONDITION
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
    """Mean PSNR on every interval, and the change from [0,1] paired by image, each with its 95 % interval.

    Returns:
        network, variant, train_sigma, dataset, sigma, a, b, normalise, psnr, psnr_low, psnr_high, change,
        change_low, change_high (dB), images, seeds, draws.

    Raises:
        NormeqError: the rows for [0,1] are missing.
    """
    images = per_image(table, "psnr", KEYS)
    unit = images[(images["a"] == 0) & (images["b"] == 1)]
    on = [*CONDITION, "image"]
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
