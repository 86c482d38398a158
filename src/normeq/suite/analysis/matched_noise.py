"""PSNR and SSIM at the noise level of training, and the published values of the same."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.long_tables import CONDITION, train_range
from normeq.suite.results.names import UNTRAINED
from normeq.suite.results.published import at_sigma, read_published
from normeq.suite.statistics.means import per_image, summarise

# What is shown of the published tables: two backbones of Saied & Fleuret, and two well-known references.
SHOWN_ARCHITECTURES = ("FDnCNN-20", "DnCNN-20-BN")
SHOWN_METHODS = (("Zhang2022-DPIR", "DnCNN"), ("Zhang2022-DPIR", "BM3D"))
# Beside networks that are trained on a range of noise levels: non-blind networks.
SHOWN_RANGES = (("Zhang2022-DPIR", "DRUNet"), ("Zhang2022-DPIR", "FFDNet"), ("Zhang2017-DnCNN", "FDnCNN"))
# Levels at which those are usually compared; the others are in the CSV.
USUAL = (15.0, 25.0, 50.0)


def matched(table: pd.DataFrame) -> pd.DataFrame:
    """Rows whose test sigma lies in the range of training; untrained denoisers at the same test levels.

    Raises:
        NormeqError: no denoiser was tested at its level of training.
    """
    ranges = table["train_sigma"].map(train_range)
    inside = pd.Series(
        [
            bounds is not None and bounds[0] <= s <= bounds[1]
            for bounds, s in zip(ranges, table["sigma"], strict=True)
        ],
        index=table.index,
    )
    untrained = ranges.isna()
    if untrained.all():
        return table
    if not inside.any():
        tested = ", ".join(f"{sigma:g}" for sigma in sorted(table["sigma"].unique()))
        trained = ", ".join(sorted(set(table["train_sigma"]) - {""}))
        raise NormeqError(
            f"no matched noise: trained at sigma {trained}, tested at {tested}; add the training level"
        )
    return table[inside | (untrained & table["sigma"].isin(table.loc[inside, "sigma"]))]


def matched_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per denoiser, data set and test sigma.

    Returns:
        network, variant, train_sigma, dataset, sigma, psnr, psnr_low, psnr_high (dB), ssim, ssim_low,
        ssim_high, images, seeds, draws.
    """
    rows = matched(table)
    psnr = summarise(per_image(rows, "psnr", CONDITION), "psnr", CONDITION)
    ssim = summarise(per_image(rows, "ssim", CONDITION), "ssim", CONDITION)[["mean", "low", "high"]]
    psnr = psnr.rename(columns={"mean": "psnr", "low": "psnr_low", "high": "psnr_high"})
    return psnr.assign(ssim=ssim["mean"], ssim_low=ssim["low"], ssim_high=ssim["high"])


def published_rows(folder: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """Published PSNR for each (dataset, sigma) of ``cells``: paper, method, source, psnr, ..."""
    psnr = read_published(folder, "published_psnr.csv")
    wanted = psnr["architecture"].isin(SHOWN_ARCHITECTURES)
    wanted &= psnr["source"].str.contains(" Table ", regex=False)  # the logs beside them repeat the same runs
    wanted |= _methods(psnr, SHOWN_METHODS)
    ranged, fixed = _ranged(cells), ~_ranged(cells) & (cells["train_sigma"] != "")
    if not (ranged | fixed).any():  # users' denoisers alone
        fixed = ~fixed
    cases = [(psnr[wanted], cells[fixed], False), (psnr[_methods(psnr, SHOWN_RANGES)], cells[ranged], True)]
    parts = [
        at_sigma(values, sigma, dataset, ranges).assign(
            dataset=dataset, sigma=sigma, psnr=lambda rows: rows["value"]
        )
        for values, ours, ranges in cases
        for dataset, sigma in ours[["dataset", "sigma"]].drop_duplicates().itertuples(index=False)
    ]
    return pd.concat(parts, ignore_index=True).drop(columns=["value", "metric", "test_sigma", "verified"])


def _methods(psnr: pd.DataFrame, methods: tuple[tuple[str, str], ...]) -> pd.Series:
    return pd.Series(
        [pair in methods for pair in zip(psnr["paper"], psnr["method"], strict=True)], index=psnr.index
    )


def usual(table: pd.DataFrame) -> pd.DataFrame:
    """Without the rows of networks trained on a range at levels other than :data:`USUAL`, where they were
    tested at one of these; untrained denoisers stay where a network does."""
    ranged = _ranged(table)
    if not table.loc[ranged, "sigma"].isin(USUAL).any():
        return table
    levels = set(table.loc[~ranged & ~table["train_sigma"].isin({"", UNTRAINED}), "sigma"]) | set(USUAL)
    return table[table["sigma"].isin(levels) & (~ranged | table["sigma"].isin(USUAL))]


def _ranged(table: pd.DataFrame) -> pd.Series:
    return table["train_sigma"].str.contains("-", regex=False)
