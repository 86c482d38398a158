"""Images of one name must be one picture wherever their measurements are put side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError


def check_pixels(tables: Mapping[str | Path, pd.DataFrame], by_size: bool = False) -> None:
    """Refuse measurements of different pictures under one name, by the column ``pixels`` where there is one.

    Args:
        tables: file -> long table; their rows are to be compared with each other.
        by_size: rows of other parts of an image (column ``size``) are not compared; else they are refused.

    Raises:
        NormeqError: an image is several pictures; the line names it and the files.
    """
    keys = ["dataset", "image", *(["size"] if by_size else [])]
    seen = [
        table[[*(key for key in keys if key in table), "pixels"]].drop_duplicates().assign(file=str(path))
        for path, table in tables.items()
        if {"dataset", "image", "pixels"} <= set(table)
    ]
    if not seen:
        return
    rows = pd.concat(seen, ignore_index=True)
    rows = rows[rows["pixels"].fillna("") != ""]  # an older part says nothing
    keys = [key for key in keys if key in rows]
    for names, same in rows.groupby(keys, sort=False, dropna=False):
        if same["pixels"].nunique() > 1:
            first = same.iloc[0]
            other = same[same["pixels"] != first["pixels"]].iloc[0]
            raise NormeqError(
                f"{' and '.join(dict.fromkeys([first['file'], other['file']]))}: the images called"
                f" {names[0]}/{names[1]} are different pictures or parts of one (pixels {first['pixels']} and"
                f" {other['pixels']}); measure all on the same"
            )
