"""Claims on adaptive filters: that they sum to 1, and explain all that a denoiser does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from normeq.suite.claims.measured import NAN, Measured, only_level, worst_of_seeds
from normeq.suite.claims.registry import ClaimKind
from normeq.suite.claims.spec import Claim, Variant

if TYPE_CHECKING:
    import pandas as pd

CLAIM = ClaimKind(order=60, reads="tables/filters.csv", unit="", plural="filters")


class Stated(Claim):
    """Of the adaptive filters of one variant, the largest over pixels and noise levels; no unit."""

    kind: Literal["filters"]
    variant: Variant
    quantity: Annotated[
        Literal["sum", "unexplained"],
        Field(description="sum: distance of the sum of a filter from 1; unexplained: ‖f(y) − J(y)y‖/‖f(y)‖."),
    ]


def read(path: Path) -> pd.DataFrame:
    """Read the CSV of ``normeq table filters``."""
    from normeq.suite.analysis.filters import read_filters

    return read_filters(path)


def measure(claim: Stated, rows: pd.DataFrame) -> Measured:
    """Largest over the pixels and noise levels."""
    if claim.quantity == "sum":
        values, words = (rows["sum"] - 1).abs(), "|sum of a filter − 1|"
    else:
        values, words = rows["defect"], "‖f(y) − J(y)y‖/‖f(y)‖"
    worst = worst_of_seeds(claim, values, rows["seed"])
    return Measured(
        worst, NAN, NAN, rows["image"].nunique(), 1, rows["seed"].nunique(),
        subject=f"{claim.variant}, {words}", sigma=only_level(rows["sigma"]),
    )  # fmt: skip
