"""What tiles cost: the worst difference from the image denoised whole, without and with a halo."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.results.csv_files import number_cells, read_csv
from normeq.suite.results.long_tables import CONDITION, showing_order
from normeq.suite.results.same_pixels import check_pixels

NUMBERS = ["sigma", "tile", "margin", "difference", "seam", "psnr", "psnr_whole"]
KEYS = [*CONDITION, "tile", "halo", "margin"]  # one table may hold several margins of a halo


def read_tiles(path: Path) -> pd.DataFrame:
    """Read ``tiles.csv``: per denoiser, image and halo, differences in gray levels and PSNR in dB.

    Raises:
        NormeqError: it is missing, not that table, or has different pictures under one name.
    """
    table = read_csv(path, [*KEYS, "seed", "image", *NUMBERS], remedy="make it with `normeq evaluate tiles`")
    for column in NUMBERS:
        table[column] = number_cells(path, table[column])
    check_pixels({path: table})
    return showing_order(table)


def tile_differences(table: pd.DataFrame) -> pd.DataFrame:
    """The worst over images and seeds.

    Args:
        table: as :func:`read_tiles` gives it.

    Returns:
        network, variant, train_sigma, dataset, sigma, tile, halo (none, receptive field), margin (pixels),
        difference, seam (the largest, gray levels), loss (mean PSNR of the whole minus that of the tiles,
        dB), psnr_whole (mean, dB), images.
    """
    table = table.assign(loss=table["psnr_whole"] - table["psnr"])
    return table.groupby(KEYS, as_index=False, sort=False).agg(
        difference=("difference", "max"), seam=("seam", "max"), loss=("loss", "mean"),
        psnr_whole=("psnr_whole", "mean"), images=("image", "nunique"),
    )  # fmt: skip
