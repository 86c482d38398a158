"""Variants of one network against each other at every noise level, corrected by Holm's method."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.long_tables import MEASUREMENT, VARIANT_ORDER
from normeq.suite.statistics.means import over_images_and_seeds, paired, per_image
from normeq.suite.statistics.significance import holm, signed_rank

FAMILY = ["network", "train_sigma", "dataset"]
KEYS = [*FAMILY, "sigma"]
LEVEL = 0.05


def comparisons(table: pd.DataFrame) -> pd.DataFrame:
    """Differences of PSNR between all pairs of variants of a network and training level.

    The difference is that of measurements with the same image, seed and draw, so on the same noise; those
    that only one of the two has are left out. Draws and seeds are averaged within the image.

    Returns:
        network, train_sigma, dataset, sigma, of, over, gain (of - over), low, high (dB, 95 %; see
        :func:`normeq.suite.statistics.means.over_images_and_seeds`), p
        (Wilcoxon signed-rank), p_holm (corrected over the noise levels of the pair), images, seeds, draws.

    Raises:
        NormeqError: no network was measured in two variants.
    """
    rows = table[table["variant"] != "other"]
    parts = []
    for over, of in combinations([v for v in VARIANT_ORDER if v in set(rows["variant"])], 2):
        first, second = (rows[rows["variant"] == v] for v in (of, over))
        both = paired(first, second, "psnr", [*KEYS, *MEASUREMENT])
        if both.empty:
            continue
        differences = per_image(both, "psnr", KEYS)
        gains = differences.groupby(KEYS, as_index=False, sort=False).agg(
            gain=("psnr", "mean"), images=("image", "size"), seeds=("seeds", "max"), draws=("draws", "max")
        )
        estimates = [over_images_and_seeds(group, "psnr") for _, group in both.groupby(KEYS, sort=False)]
        gains["low"], gains["high"] = ([getattr(e, side) for e in estimates] for side in ("low", "high"))
        gains["p"] = [signed_rank(group["psnr"]) for _, group in differences.groupby(KEYS, sort=False)]
        for _, family in gains.groupby(FAMILY, sort=False):
            adjusted = holm(dict(zip(family["sigma"], family["p"], strict=True)))
            gains.loc[family.index, "p_holm"] = family["sigma"].map(adjusted)
        parts.append(gains.assign(of=of, over=over))
    if not parts:
        raise NormeqError("comparisons: no network was measured in two variants")
    columns = [*KEYS, "of", "over", "gain", "low", "high", "p", "p_holm", "images", "seeds", "draws"]
    gains = pd.concat(parts, ignore_index=True)[columns]
    order = {name: i for i, name in enumerate(table["dataset"].drop_duplicates())}
    return gains.sort_values("dataset", key=lambda c: c.map(order), kind="stable", ignore_index=True)
