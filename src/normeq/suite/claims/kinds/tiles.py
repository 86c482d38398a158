"""Claims on tiles: which denoisers give the same picture in tiles as whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from normeq.suite.claims.measured import NAN, Measured, Missing, only_level, worst_of_seeds
from normeq.suite.claims.registry import ClaimKind
from normeq.suite.claims.spec import Claim, Variant
from normeq.suite.measurements.tiles import HALOS
from normeq.suite.measuring.settings import Datasets

if TYPE_CHECKING:
    import pandas as pd

CLAIM = ClaimKind(order=70, reads="tiles.csv", unit="gray levels", plural="tiles")


class Stated(Claim):
    """Largest difference between an image denoised whole and in tiles, for one variant; in gray levels
    (255ths of the nominal range)."""

    kind: Literal["tiles"]
    datasets: Datasets
    variant: Variant
    halo: Annotated[
        Literal[HALOS], Field(description="Around each tile: nothing, or all that the denoiser sees.")
    ] = "receptive field"


def read(path: Path) -> pd.DataFrame:
    """Read ``tiles.csv``, with the data sets without leaked images."""
    from normeq.suite.analysis.tiles import read_tiles
    from normeq.suite.results.leaks import with_leak_free

    return with_leak_free(read_tiles(path))


def measure(claim: Stated, rows: pd.DataFrame) -> Measured:
    """Largest over pixels and images."""
    here = rows[rows["halo"] == claim.halo]
    if here.empty:
        raise Missing(f"tiles of {claim.variant} with the halo {claim.halo}")
    worst = worst_of_seeds(claim, here["difference"], here["seed"])
    halo = "no halo" if claim.halo == "none" else f"halo of the {claim.halo}"
    return Measured(
        worst, NAN, NAN, here["image"].nunique(), here["draw"].nunique(), here["seed"].nunique(),
        subject=f"{claim.variant}, {halo}", sigma=only_level(here["sigma"]),
    )  # fmt: skip
