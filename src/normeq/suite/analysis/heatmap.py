"""PSNR lost over scale and shift of the range."""

from __future__ import annotations

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.long_tables import CONDITION
from normeq.suite.statistics.means import paired, per_image

KEYS = [*CONDITION, "scale", "shift", "normalise"]


def heatmap_losses(table: pd.DataFrame) -> pd.DataFrame:
    """Mean PSNR at every scale and shift, and what is lost against scale 1 without shift, paired by image.

    Returns:
        network, variant, train_sigma, dataset, sigma, scale, shift, normalise, psnr, loss (dB), images,
        seeds, draws.

    Raises:
        NormeqError: the rows with scale 1 and shift 0 are missing.
    """
    images = per_image(table, "psnr", KEYS)
    unit = images[(images["scale"] == 1) & (images["shift"] == 0)]
    on = [*CONDITION, "image"]
    if len(unit) != len(images[on].drop_duplicates()):
        raise NormeqError(
            "every denoiser needs rows with scale 1 and shift 0: the others are compared with them"
        )
    images["loss"] = -paired(images, unit, "psnr", on)["psnr"].to_numpy()
    means = images.groupby(KEYS, as_index=False, sort=False).agg(
        psnr=("psnr", "mean"), loss=("loss", "mean"), images=("image", "size"),
        seeds=("seeds", "max"), draws=("draws", "max"),
    )  # fmt: skip
    return means
