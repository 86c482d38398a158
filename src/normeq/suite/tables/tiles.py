"""The table of tiles: which denoisers may be run on an image in tiles."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.analysis.tiles import read_tiles, tile_differences
from normeq.suite.formats.numbers import fixed, minus, sci
from normeq.suite.formats.table import Table
from normeq.suite.results.names import (
    all_of,
    dataset_name,
    denoiser_name,
    images_of,
    level_name,
    protocol_note,
    sides,
)
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="What changes when an image is denoised in tiles, without and with a halo.",
    order=75,
    reads="tiles.csv",
)


def make(path: Path) -> Table:
    """Build the table from ``tiles.csv``."""
    table = read_tiles(path)
    numbers = tile_differences(table)
    rows = [
        {
            "data set": dataset_name(row.dataset),
            "denoiser": denoiser_name(row.network, row.variant),
            "train σ": level_name(row.train_sigma),
            "test σ": f"{row.sigma:g}",
            "tile": sides([row.tile]),
            "halo": f"{row.margin:g} pixels" + (" (receptive field)" if row.halo != "none" else ""),
            "largest difference": _levels(row.difference),
            "largest step at a seam": _levels(row.seam),
            "PSNR lost (dB)": minus(fixed(row.loss, 3)),
        }
        for row in numbers.itertuples()
    ]
    shown = pd.DataFrame(rows)
    same = [column for column in ("test σ", "tile") if shown[column].nunique() == 1]  # said above and below
    return Table(
        name="tiles",
        numbers=numbers,
        shown=shown.drop(columns=same),
        title=f"Denoised in tiles of {sides(numbers['tile'])} pixels instead of whole",
        notes=(
            f"{images_of(numbers)}; one noise draw; σ = {all_of(numbers['sigma'])}. {protocol_note(table)}",
            "Differences in gray levels (255ths of the nominal range), the largest over pixels, images and "
            "seeds; below 0.01 is rounding. The halo is what the denoiser sees around a tile, its "
            "receptive field, where that is known; of a wrapped network that of the network inside.",
            "A wrapped network takes mean and deviation of what it is given: its tiles differ whatever the "
            "halo is.",
        ),
    )


def _levels(value: float) -> str:
    return fixed(value) if value >= 0.01 else sci(value)
