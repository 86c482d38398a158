"""The numbers of the noise-level figure: means, paired differences, noisy input, published curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from normeq.suite.results.long_tables import CONDITION, MEASUREMENT, train_range
from normeq.suite.results.published import nearest_curves, read_published
from normeq.suite.statistics.means import paired, per_image, summarise

KEYS = ["train", *CONDITION]


def mean_psnr(table: pd.DataFrame) -> pd.DataFrame:
    """Mean PSNR of every denoiser on every data set at every noise level.

    Args:
        table: as :func:`normeq.suite.results.long_tables.read_noise_levels` gives it.

    Returns:
        network, variant, train_sigma, dataset, sigma (8-bit units), psnr, psnr_low, psnr_high (dB; 95 %
        interval over images), images, seeds, draws.
    """
    means = summarise(per_image(table, "psnr", CONDITION), "psnr", CONDITION)
    return means.rename(columns={"mean": "psnr", "low": "psnr_low", "high": "psnr_high"})


def noise_level_curves(table: pd.DataFrame, published: Path | None = None) -> pd.DataFrame:
    """Every number of the figure.

    Args:
        table: as :func:`normeq.suite.results.long_tables.read_noise_levels` gives it.
        published: folder of published values, or None.

    Returns:
        panel (psnr, or difference: to the norm variant of the same network on the same noise and with the
        same seed; of users' denoisers: to the mean over the seeds of the only network's), kind (denoiser,
        noisy, published), train (training level of the panel), network, variant, train_sigma, dataset, sigma
        (8-bit units), psnr_in (dB, mean, not clipped), value, low, high (dB; 95 % interval over images),
        images, seeds, draws, paper (key of :data:`normeq.suite.results.published.AUTHORS`), source.
    """
    trained = list(dict.fromkeys(label for label in table["train_sigma"] if label)) or [""]
    # An untrained denoiser is shown in the panels of every training level.
    table = pd.concat(
        [table[table["train_sigma"].isin({label, ""})].assign(train=label) for label in trained],
        ignore_index=True,
    )
    images = per_image(table, "psnr", KEYS)
    parts = [summarise(images, "psnr", KEYS).assign(panel="psnr", kind="denoiser")]
    difference = _difference(table)
    if len(difference):
        parts.append(summarise(difference, "psnr", KEYS).assign(panel="difference", kind="denoiser"))
    inputs = _inputs(table)
    noisy = inputs[np.isfinite(inputs["psnr_in"])]
    parts.append(noisy.rename(columns={"psnr_in": "mean"}).assign(panel="psnr", kind="noisy"))
    if published is not None:
        parts.append(_published(table, published))
    numbers = pd.concat(parts, ignore_index=True).rename(columns={"mean": "value"})
    numbers = numbers.merge(
        inputs[["train", "dataset", "sigma", "psnr_in"]], how="left", validate="many_to_one"
    )
    nominal = 20 * np.log10(255 / numbers["sigma"].replace(0, np.nan))  # published rows have only their sigma
    numbers["psnr_in"] = numbers["psnr_in"].fillna(nominal)
    counts = ["images", "seeds", "draws"]
    front = ["panel", "kind", *KEYS, "psnr_in", "value", "low", "high", *counts, "paper", "source"]
    return numbers.reindex(columns=front)


def _difference(table: pd.DataFrame) -> pd.DataFrame:
    """PSNR minus that of the norm variant of the same network, where both have the same seed and draw; users'
    denoisers, which have no seed in common with it: minus that of the only network, averaged over its seeds,
    where both have the same draw."""
    here = ["train", "dataset", "sigma"]
    norm, other = (table[table["variant"] == variant] for variant in ("norm", "other"))
    own = paired(table[table["variant"] != "other"], norm, "psnr", [*here, "network", *MEASUREMENT])
    lone = norm[norm.groupby("train")["network"].transform("nunique") == 1]
    noise = [*here, "image", "draw"]
    seeds = lone.groupby(noise, as_index=False, sort=False)["psnr"].mean()
    pairs = pd.concat([own, paired(other, seeds, "psnr", noise)], ignore_index=True)
    return per_image(pairs, "psnr", KEYS)


def _inputs(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["train", "dataset", "sigma"]
    images = per_image(table, "psnr_in", keys)
    return images.groupby(keys, as_index=False, sort=False).agg(
        psnr_in=("psnr_in", "mean"), images=("image", "size"), draws=("draws", "max")
    )


def _published(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    curves = read_published(folder, "published_curves.csv")
    parts = [pd.DataFrame()]
    for label, dataset in table[["train", "dataset"]].drop_duplicates().itertuples(index=False):
        bounds = train_range(label)
        if bounds is None:
            continue
        here = table[(table["train"] == label) & (table["dataset"] == dataset)]
        rows = nearest_curves(curves, bounds, dataset)
        rows = rows[rows["variant"].isin(here["variant"])]
        rows = rows[rows["sigma"].between(here["sigma"].min() * 0.97, here["sigma"].max() * 1.03)]
        rows = rows.rename(columns={"value": "mean", "architecture": "network"})
        parts.append(rows.assign(panel="psnr", kind="published", train=label, dataset=dataset))
    return pd.concat(parts, ignore_index=True)
