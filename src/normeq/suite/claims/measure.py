"""What each kind of claim is judged by, measured from the long tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from normeq.equivariance.changes import KINDS as CHANGES
from normeq.errors import NormeqError
from normeq.suite.analysis.intervals import in_order, interval_name
from normeq.suite.analysis.tuning import NAMES as TUNINGS
from normeq.suite.claims.spec import Claim
from normeq.suite.results.long_tables import MEASUREMENT
from normeq.suite.results.published import named_values
from normeq.suite.statistics.means import CONFIDENCE, SEEDS, over_images_and_seeds, paired, per_image
from normeq.suite.statistics.significance import holm, signed_rank

NAN = float("nan")
THESE = "about these weights, not about training again"


@dataclass(frozen=True)
class Measured:
    """What a claim is judged by; dB. Bounds NaN where chance cannot be estimated."""

    value: float
    low: float
    high: float
    images: int
    draws: int
    seeds: int
    subject: str
    sigma: float
    p_holm: float = NAN
    published: float = NAN
    note: str = ""


class Missing(Exception):
    """A claim cannot be tested; the text says what is missing."""


def measure(claim: Claim, rows: pd.DataFrame, published: pd.DataFrame) -> Measured:
    """Measure a claim.

    Args:
        rows: of one data set, network and training level; of the table that the kind of claim is about (see
            :func:`normeq.suite.claims.verdict.judge`).
        published: values of ``published_psnr.csv``; may be empty.

    Raises:
        Missing: what is needed is not there.
        NormeqError: intervals at several noise levels, or several published values.
    """
    absent = [variant for variant in claim.variants if variant not in set(rows["variant"])]
    if absent:
        raise Missing(f"measurements of {' and '.join(absent)}")
    if claim.kind == "level":
        return _level(claim, rows, published)
    how = {"gain": _gain, "interval_loss": _interval_loss, "tuning_gain": _tuning_gain}
    return (how | {"defect": _defect, "filters": _filters})[claim.kind](claim, rows)


def _gain(claim: Claim, rows: pd.DataFrame) -> Measured:
    of, over = (rows[rows["variant"] == variant] for variant in claim.variants)
    every = paired(of, over, "psnr", ["sigma", *MEASUREMENT])
    gains = per_image(every, "psnr", ["sigma"])
    here = gains[gains["sigma"] == claim.sigma]
    if here.empty:
        raise Missing(f"σ = {claim.sigma:g} for {' and '.join(claim.variants)}, with a common seed and draw")
    estimate = over_images_and_seeds(every[every["sigma"] == claim.sigma], "psnr")
    family = holm({sigma: signed_rank(group["psnr"]) for sigma, group in gains.groupby("sigma")})
    return Measured(
        estimate.mean, estimate.low, estimate.high, estimate.images, *_repeats(here),
        subject=f"{claim.variants[0]} − {claim.variants[1]}", sigma=claim.sigma, p_holm=family[claim.sigma],
        note=_training(here),
    )  # fmt: skip


def _interval_loss(claim: Claim, rows: pd.DataFrame) -> Measured:
    images = per_image(rows, "psnr", ["sigma", "a", "b"])
    unit = images[(images["a"] == 0) & (images["b"] == 1)]
    if unit.empty:
        raise Missing("the interval [0, 1]")
    if images["sigma"].nunique() > 1:
        raise NormeqError("intervals: more than one noise level in the table; claims need a table with one")
    there = [(a, b) for a, b in in_order(images)[["a", "b"]].itertuples(index=False) if (a, b) != (0, 1)]
    pairs = there if claim.intervals is None else list(claim.intervals)
    absent = [interval_name(*pair) for pair in pairs if pair not in there]
    if absent or not pairs:
        raise Missing(f"the interval {', '.join(absent)}" if absent else "intervals other than [0, 1]")
    at_unit = rows[(rows["a"] == 0) & (rows["b"] == 1)]
    change = paired(rows, at_unit, "psnr", ["sigma", *MEASUREMENT])
    change["psnr"] = -change["psnr"]
    every = 1 - (1 - CONFIDENCE) / len(pairs)  # Bonferroni: all intervals hold together with 95 %
    losses = [
        over_images_and_seeds(change[(change["a"] == a) & (change["b"] == b)], "psnr", confidence=every)
        for a, b in pairs
    ]
    size = abs if claim.bound == "within" else float
    worst = max(range(len(pairs)), key=lambda i: size(losses[i].mean))
    lower = min if claim.bound == "within" else max
    return Measured(
        losses[worst].mean, lower(e.low for e in losses), max(e.high for e in losses), losses[worst].images,
        *_repeats(images), subject=f"{claim.variants[0]} on {interval_name(*pairs[worst])}",
        sigma=float(images["sigma"].iloc[0]), note=_training(images),
    )  # fmt: skip


def _level(claim: Claim, rows: pd.DataFrame, published: pd.DataFrame) -> Measured:
    rows = rows[rows["sigma"] == claim.sigma]
    if rows.empty:
        raise Missing(f"σ = {claim.sigma:g} for {claim.variants[0]}")
    theirs = _published(claim, published, rows["dataset"].iloc[0])
    images = per_image(rows, "psnr", ["variant"])
    ours = float(images["psnr"].mean())
    seeds, draws = rows["seed"].nunique(), rows["draw"].nunique()
    low = high = NAN
    note = f"fewer than {SEEDS} seeds or draws: no interval"
    if max(seeds, draws) >= SEEDS:
        by = "seed" if seeds >= SEEDS else "draw"
        means = rows.groupby([by, "image"])["psnr"].mean().groupby(by).mean()
        reach = student_t.ppf((1 + CONFIDENCE) / 2, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means))
        low, high, note = ours - reach - theirs, ours + reach - theirs, f"interval over {by}s"
    return Measured(
        ours - theirs, low, high, len(images), *_repeats(images),
        subject=f"{claim.variants[0]} − published", sigma=claim.sigma, published=theirs, note=note,
    )  # fmt: skip


def _tuning_gain(claim: Claim, rows: pd.DataFrame) -> Measured:
    here = rows[(rows["method"] == claim.aspect) & (rows["sigma"] == claim.sigma)]
    if here.empty:
        raise Missing(f"{TUNINGS[claim.aspect]} of {claim.variants[0]} at σ = {claim.sigma:g}")
    [row] = here.to_dict("records")
    return Measured(
        row["gain"], row["gain_low"], row["gain_high"], row["images"], row["draws"], row["seeds"],
        subject=f"{claim.variants[0]}, {TUNINGS[claim.aspect]}", sigma=claim.sigma, note=THESE,
    )  # fmt: skip


def _training(images: pd.DataFrame) -> str:
    """What an interval over images says nothing of."""
    return "" if images["seeds"].max() >= SEEDS else THESE


def _defect(claim: Claim, rows: pd.DataFrame) -> Measured:
    here = rows[(rows["dtype"] == claim.dtype) & rows["kind"].isin(CHANGES[claim.aspect])]
    if here.empty:
        raise Missing(f"a certificate of {claim.variants[0]} in {claim.dtype}")
    worst = _of_seeds(claim, here.groupby("seed")["relative"].max())
    if not np.isfinite(worst):
        raise Missing(f"an answer of {claim.variants[0]} on every range")
    return Measured(
        worst, NAN, NAN, here["image"].nunique(), 1, here["seed"].nunique(),
        subject=f"{claim.variants[0]}, {claim.aspect} defect, {claim.dtype}", sigma=_one(here["sigma"]),
    )  # fmt: skip


def _filters(claim: Claim, rows: pd.DataFrame) -> Measured:
    if claim.aspect == "sum":
        values, words = (rows["sum"] - 1).abs(), "|sum of a filter − 1|"
    else:
        values, words = rows["defect"], "‖f(y) − J(y)y‖/‖f(y)‖"
    worst = _of_seeds(claim, values.groupby(rows["seed"]).max())
    return Measured(
        worst, NAN, NAN, rows["image"].nunique(), 1, rows["seed"].nunique(),
        subject=f"{claim.variants[0]}, {words}", sigma=_one(rows["sigma"]),
    )  # fmt: skip


def _of_seeds(claim: Claim, largest: pd.Series) -> float:
    """The seed that speaks most against the claim, of the largest value of each."""
    return float(largest.min() if claim.bound == "at least" else largest.max())


def _one(levels: pd.Series) -> float:
    """The noise level of all, NaN where there are several."""
    return float(levels.iloc[0]) if levels.nunique() == 1 else NAN


def _published(claim: Claim, values: pd.DataFrame, dataset: str) -> float:
    """The one verified value that the claim names.

    Raises:
        Missing: there is none.
        NormeqError: there are several different ones.
    """
    wanted = claim.published
    if values.empty:
        raise Missing("published values (--published)")
    rows = named_values(values, wanted, dataset, claim.sigma)
    if rows.empty:
        raise Missing(f"a verified value of {wanted['paper']} {wanted['method']} at σ = {claim.sigma:g}")
    if rows["value"].nunique() > 1:
        places = "; ".join(f"{row.value:g} ({row.source})" for row in rows.itertuples())
        raise NormeqError(f"claim {claim.id!r}: several published values, give published.source: {places}")
    return float(rows["value"].iloc[0])


def _repeats(images: pd.DataFrame) -> tuple[int, int]:
    """Draws and seeds that were averaged."""
    return int(images["draws"].max()), int(images["seeds"].max())
