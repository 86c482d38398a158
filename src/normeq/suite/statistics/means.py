"""Means with 95 % intervals; the unit is the image.

Noise draws and training seeds repeat the measurement of one image, they do not add images: they are averaged
within the image first (draws within a seed, then seeds), and the bootstrap resamples images. That interval
says how the mean would move with another set of images like these, not with another training. What is said of
a kind of network, and not of these weights, needs :func:`over_images_and_seeds`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import DegenerateDataWarning, bootstrap, norm
from scipy.stats import t as student_t

CONFIDENCE = 0.95
RESAMPLES = 9999
# Of seeds at least, to say what other seeds would do: from two, Student's t is 12.7 standard errors wide.
SEEDS = 3
FEW = 8  # images; with fewer, resamples are too few different ones
IN_TAIL = 10  # resamples beyond a bound; with fewer it hangs on single ones


@dataclass(frozen=True)
class Estimate:
    """A mean over ``images`` values and the bounds of its interval, in the unit of the values."""

    mean: float
    low: float
    high: float
    images: int


def mean_interval(
    values: ArrayLike, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, rng: int = 0
) -> Estimate:
    """Mean of one value per image with a bias-corrected and accelerated (BCa) bootstrap interval.

    Resamples of n images spread like a normal sample whose variance was divided by n, and not like Student's
    t: at n = 12 an interval of 95 % would hold the mean 91 times in 100. So wider percentiles are taken,
    those that would give a normal sample its t interval (Hesterberg 2015, *What Teachers Should Know About
    the Bootstrap*, expanded percentiles). Fewer than 8 images get Student's t itself, and so do confidences
    that the resamples are too few for.

    Args:
        values: shape (images,), finite.
        confidence: coverage wanted, in (0, 1).
        resamples: number of bootstrap samples.
        rng: seed of the resampling; fixed, so that the same values always give the same bounds.

    Returns:
        The estimate. A single image has no interval (bounds NaN); equal values have one of width zero.

    Raises:
        ValueError: no value, or a value that is not finite.
    """
    data = np.asarray(values, dtype=np.float64)
    data = (
        np.sort(data, axis=-1) if data.ndim else data
    )  # resampling goes by place, and the order means nothing
    if data.ndim != 1 or not data.size or not np.isfinite(data).all():
        raise ValueError(f"need at least one finite value per image, got {data!r}")
    mean = float(data.mean())
    if data.size == 1:
        return Estimate(mean, float("nan"), float("nan"), 1)
    if np.ptp(data) == 0:
        return Estimate(mean, mean, mean, data.size)
    reach = float(student_t.ppf((1 + confidence) / 2, data.size - 1))
    tail = float(norm.sf(reach * (data.size / (data.size - 1)) ** 0.5))
    if data.size < FEW or tail * resamples < IN_TAIL:
        reach *= float(data.std(ddof=1)) / data.size**0.5
        return Estimate(mean, mean - reach, mean + reach, data.size)
    for method in ("BCa", "percentile"):  # BCa is undefined when every resample falls on one side of the mean
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)
            bounds = bootstrap(
                (data,),
                np.mean,
                confidence_level=1 - 2 * tail,
                n_resamples=resamples,
                method=method,
                rng=np.random.default_rng(rng),
            ).confidence_interval
        if np.isfinite([bounds.low, bounds.high]).all():
            break
    return Estimate(mean, float(bounds.low), float(bounds.high), data.size)


def crossed_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Mean of one value per image and training, with an interval for other images and other trainings.

    Both are random effects, y = μ + image + seed + rest. With the mean squares of images I, seeds S and rest
    R of n × m values, the variance of the mean is (I + S - R)/nm (unbiased), with the degrees of freedom of
    Satterthwaite (1946) for Student's t. Where seeds add nothing (S ≤ R) it is I/nm with n - 1.

    Args:
        values: (images, seeds), finite, at least 2 of each.
        confidence: coverage wanted, in (0, 1).

    Raises:
        ValueError: other shapes, or values that are not finite.
    """
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 2 or min(y.shape) < 2 or not np.isfinite(y).all():
        raise ValueError(f"need finite values of at least 2 images and 2 seeds, got shape {y.shape}")
    n, m = y.shape
    mean, image, seed = y.mean(), y.mean(1, keepdims=True), y.mean(0, keepdims=True)
    of_image = m * ((image - mean) ** 2).sum() / (n - 1)
    of_seed = n * ((seed - mean) ** 2).sum() / (m - 1)
    of_rest = ((y - image - seed + mean) ** 2).sum() / ((n - 1) * (m - 1))
    variance, freedom = of_image, n - 1.0
    if of_seed > of_rest:
        variance = of_image + of_seed - of_rest
        parts = of_image**2 / (n - 1) + of_seed**2 / (m - 1) + of_rest**2 / ((n - 1) * (m - 1))
        freedom = variance**2 / parts
    reach = float(student_t.ppf((1 + confidence) / 2, freedom) * np.sqrt(variance / y.size))
    return Estimate(float(mean), float(mean) - reach, float(mean) + reach, n)


def over_images_and_seeds(table: pd.DataFrame, value: str, confidence: float = CONFIDENCE) -> Estimate:
    """Mean over images with an interval that holds for other images and, from three seeds on, for other
    trainings too: the wider of :func:`mean_interval` and :func:`crossed_interval` on each side.

    Args:
        table: image, seed and ``value``, a row per draw; every image with every seed, or the seeds are left
            out of account.
        value: the column.
        confidence: coverage wanted.
    """
    cells = table.groupby(["image", "seed"], sort=False)[value].mean().unstack("seed")
    plain = mean_interval(cells.mean(axis=1), confidence)
    if cells.shape[1] < SEEDS or len(cells) < 2 or cells.isna().any(axis=None):
        return plain
    crossed = crossed_interval(cells, confidence)
    return Estimate(plain.mean, min(plain.low, crossed.low), max(plain.high, crossed.high), len(cells))


def per_image(table: pd.DataFrame, value: str, keys: Sequence[str]) -> pd.DataFrame:
    """One value per image: draws averaged within a seed, then seeds.

    Args:
        table: long table with ``keys``, image, seed, draw and ``value``, one row per measurement.
        value: the column to average.
        keys: what tells the series apart (network, variant, dataset, sigma, ...).

    Returns:
        ``keys``, image, ``value``, seeds and draws (how many were averaged; draws: the most of any seed).
    """
    cell = [*keys, "image"]
    seeds = table.groupby([*cell, "seed"], as_index=False, sort=False).agg(
        **{value: (value, "mean"), "draws": ("draw", "nunique")}
    )
    return seeds.groupby(cell, as_index=False, sort=False).agg(
        **{value: (value, "mean"), "seeds": ("seed", "nunique"), "draws": ("draws", "max")}
    )


def summarise(images: pd.DataFrame, value: str, keys: Sequence[str]) -> pd.DataFrame:
    """Mean and interval over images for each combination of ``keys``.

    Args:
        images: as :func:`per_image` gives it, or the differences of :func:`paired`.

    Returns:
        ``keys``, mean, low, high, images, seeds, draws; in order of first appearance.
    """
    rows = []
    for key, group in images.groupby(list(keys), sort=False):
        estimate = mean_interval(group[value].to_numpy())
        counts = {"seeds": group["seeds"].max(), "draws": group["draws"].max()}
        rows.append(dict(zip(keys, key, strict=True)) | vars(estimate) | counts)
    return pd.DataFrame(rows, columns=[*keys, "mean", "low", "high", "images", "seeds", "draws"])


def paired(images: pd.DataFrame, reference: pd.DataFrame, value: str, on: Sequence[str]) -> pd.DataFrame:
    """Difference to a reference image by image, which removes the spread between easy and hard images.

    Args:
        images, reference: as :func:`per_image` gives them; or rows of long tables, where ``on`` has seed and
            draw too, so that only measurements with the same ones are compared.
        on: the columns that must agree (dataset, sigma, image, ...); at most one reference row for each.

    Returns:
        The rows of ``images`` that have a reference, with ``value`` replaced by the difference.
    """
    both = images.merge(
        reference[[*on, value]], on=list(on), suffixes=("", "_reference"), validate="many_to_one"
    )
    both[value] = both[value] - both[f"{value}_reference"]
    return both.drop(columns=f"{value}_reference")
