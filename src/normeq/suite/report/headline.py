"""The headline table of the report: a few noise levels and the worst interval, one row per denoiser."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from normeq.suite.analysis.intervals import interval_summary
from normeq.suite.analysis.noise_levels import mean_psnr
from normeq.suite.formats.numbers import fixed
from normeq.suite.results.long_tables import IDENTITY, read_intervals, read_noise_levels, train_range
from normeq.suite.results.names import dataset_name, denoiser_name, level_name, measured_on, variant_name
from normeq.suite.results.normalise import NOMINAL, sent

WORST = "worst [a,b]"


def headline(noise_levels: Path, intervals: Path | None) -> dict[str, object]:
    """The numbers that a reader wants first; those of the tables of PSNR and of intervals, fewer of them.

    Args:
        noise_levels: the long table over noise levels.
        intervals: that over intervals; None where it was not measured.

    Returns:
        ``groups`` (data set and its column headings), ``rows`` (``name``, ``variant``, ``train`` and
        ``cells``, the text of each column) and ``note``.

    Raises:
        NormeqError: a table is missing or malformed.
    """
    means = mean_psnr(read_noise_levels(noise_levels))
    sigmas = _few(means)
    psnr = means.set_index([*IDENTITY, "dataset", "sigma"])["psnr"].to_dict()
    change: dict[tuple[str, ...], float] = {}
    how = ""
    if intervals is not None:
        ranges = interval_summary(read_intervals(intervals))
        how = f" ({sent(ranges)})" if ranges["normalise"].iloc[0] != NOMINAL else ""
        change = ranges.groupby([*IDENTITY, "dataset"])["change"].min().to_dict()
    denoisers = list(means[IDENTITY].drop_duplicates().itertuples(index=False, name=None))
    cells: dict[tuple[str, ...], list[str]] = {denoiser: [] for denoiser in denoisers}
    groups = []
    for dataset in means["dataset"].unique():
        moved = any(key[-1] == dataset for key in change)
        heads = [f"σ = {sigma:g}" for sigma in sigmas] + [WORST] * moved
        groups.append((dataset_name(dataset), heads))
        for denoiser in denoisers:
            found = [psnr.get((*denoiser, dataset, sigma), math.nan) for sigma in sigmas]
            found += [change.get((*denoiser, dataset), math.nan)] * moved
            cells[denoiser] += map(fixed, found)
    several = len({network for network, variant, _ in denoisers if variant != "other"}) > 1
    return {
        "groups": groups,
        "rows": [
            {
                "name": denoiser_name(network, variant) if several else variant_name(variant, network),
                "variant": variant,
                "train": level_name(label),
                "cells": cells[network, variant, label],
            }
            for network, variant, label in denoisers
        ],
        "note": f"{measured_on(means)}."
        + (
            f" {WORST.capitalize()}: the change from [0,1] on the interval where it is largest{how}."
            if change
            else ""
        ),
    }


def _few(means: pd.DataFrame) -> list[float]:
    """The lowest and the highest noise level, those of training, and those nearest to twice as much."""
    measured = sorted(means["sigma"].unique())
    trained = [bounds[1] for bounds in map(train_range, means["train_sigma"].unique()) if bounds]
    wanted = [factor * level for level in trained for factor in (1, 2)]
    inner = {min(measured, key=lambda sigma: abs(sigma - level)) for level in wanted}
    return sorted({measured[0], measured[-1], *inner})
