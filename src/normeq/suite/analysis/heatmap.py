"""PSNR lost over scale and shift of the range."""

from __future__ import annotations

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.long_tables import CONDITION, MEASUREMENT
from normeq.suite.statistics.means import paired, per_image

KEYS = [*CONDITION, "scale", "shift", "normalise"]


def heatmap_losses(table: pd.DataFrame) -> pd.DataFrame:
    """Mean PSNR at every scale and shift, and what is lost against scale 1 without shift, where both have the
    same image, seed and draw.

    Returns:
        network, variant, train_sigma, dataset, sigma, scale, shift, normalise, psnr, loss (dB), images,
        seeds, draws, size (side of the middle of the images that was used, in pixels; 0 for all).

    Raises:
        NormeqError: the rows with scale 1 and shift 0 are missing, or have no seed and draw of the others.
    """
    images = per_image(table, "psnr", KEYS)
    unit = table[(table["scale"] == 1) & (table["shift"] == 0)]
    changes = per_image(paired(table, unit, "psnr", [*CONDITION, *MEASUREMENT]), "psnr", KEYS)
    if len(changes) != len(images):
        raise NormeqError(
            "every denoiser needs rows with scale 1 and shift 0, of the same images, seeds and draws: the"
            " others are compared with them"
        )
    losses = changes[[*KEYS, "image"]].assign(loss=-changes["psnr"])
    images = images.merge(losses, on=[*KEYS, "image"], how="left", validate="one_to_one")
    means = images.groupby(KEYS, as_index=False, sort=False).agg(
        psnr=("psnr", "mean"), loss=("loss", "mean"), images=("image", "size"),
        seeds=("seeds", "max"), draws=("draws", "max"),
    )  # fmt: skip
    return means.assign(size=table["size"].iloc[0] if "size" in table else 0)
