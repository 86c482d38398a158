"""Long tables to be compared."""

from pathlib import Path

import pandas as pd

from tests import synthetic

IMAGES = {"set12": 4, "bsd68": 5}


def levels(**options) -> pd.DataFrame:
    return synthetic.noise_levels(images=IMAGES, sigmas=(5, 25), **options)


def written(folder: Path, **tables: pd.DataFrame) -> list[Path]:
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return [folder / f"{name}.csv" for name in tables]
