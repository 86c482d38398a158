"""How far images, noise draws and training seeds spread PSNR, and its mean."""

from __future__ import annotations

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.imaging.protocol import get_protocol
from normeq.suite.results.long_tables import CONDITION
from normeq.suite.statistics.variance import split

NAN = float("nan")


def variance_components(table: pd.DataFrame) -> pd.DataFrame:
    """Split the variance of PSNR for each denoiser, data set and noise level.

    Returns:
        network, variant, train_sigma, dataset, sigma, psnr (mean), the standard deviations of
        :class:`normeq.suite.statistics.variance.Components` (sd_images, ...), mean_images, mean_seeds,
        mean_draws (standard deviation of the mean that each causes; all dB), images, seeds, draws.

    Raises:
        NormeqError: an image lacks a draw or a seed that others have.
    """
    rows = []
    for key, group in table.groupby(CONDITION, sort=False):
        cube = group.pivot_table("psnr", "image", ["seed", "draw"], aggfunc="first", dropna=False)
        images, seeds, draws = len(cube), group["seed"].nunique(), group["draw"].nunique()
        if cube.shape[1] != seeds * draws or cube.isna().any(axis=None):
            raise NormeqError(
                f"variance: {key[0]}, {key[1]} on {key[3]} at sigma {key[4]:g}: not every image has every "
                "draw and seed; evaluate all with the same draws"
            )
        values = cube.to_numpy().reshape(images, seeds, draws)
        found = split(values)
        repeats = [
            (found.seeds**2 / seeds, found.images_seeds**2 / (images * seeds)),
            (found.draws**2 / (images * draws), found.rest**2 / (images * seeds * draws)),
        ]
        of_seeds, of_draws = (np.sqrt(np.nansum(part)) if not np.isnan(part[0]) else NAN for part in repeats)
        if shares_noise(group):
            of_draws = NAN
        rows.append(
            dict(zip(CONDITION, key, strict=True))
            | {"psnr": values.mean()}
            | {f"sd_{name}": value for name, value in vars(found).items()}
            | {"mean_images": found.images / np.sqrt(images), "mean_seeds": of_seeds, "mean_draws": of_draws}
            | {"images": images, "seeds": seeds, "draws": draws}
        )
    return pd.DataFrame(rows)


def shares_noise(table: pd.DataFrame) -> bool:
    """Whether images of one size have the same noise: a draw then moves them together, and so their mean."""
    return "protocol" in table and get_protocol(table["protocol"].iloc[0]).reset_seed
