"""Claims on equivariance: the largest relative defect in the certificate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from normeq.denoisers.dtypes import DTYPES
from normeq.suite.claims.measured import NAN, Measured, Missing, only_level, worst_of_seeds
from normeq.suite.claims.registry import ClaimKind
from normeq.suite.claims.spec import Claim, Variant

if TYPE_CHECKING:
    import pandas as pd

CLAIM = ClaimKind(order=50, reads="certificate.csv", unit="", plural="defects")


class Stated(Claim):
    """Largest relative defect in the certificate, for one variant and kind of change; no unit."""

    kind: Literal["defect"]
    variant: Variant
    change: Annotated[
        Literal["scale", "shift", "joint"],
        Field(description="Which changes of range; joint are all."),
    ]
    dtype: Annotated[Literal[tuple(DTYPES)], Field(description="Floating-point precision.")] = "float32"


def check(claim: Stated, config: Any, networks: Any, fail: Any) -> None:
    """Refuse a precision at which nothing is certified."""
    dtypes = config["evaluate"]["certificate"]["dtypes"]
    if dtypes and claim.dtype not in dtypes:
        fail("dtype", f"{claim.dtype} is not in evaluate.certificate.dtypes ({', '.join(dtypes)})")
    if claim.dtype == "tf32" and config["device"] == "cpu":
        fail("dtype", "only a GPU has tf32, and device is cpu")


def read(path: Path) -> pd.DataFrame:
    """Read the changes of range in ``certificate.csv``: the published metric may be of other data sets, on
    which no defect was measured that a claim could be about."""
    from normeq.equivariance.changes import KINDS
    from normeq.suite.analysis.certificate import read_certificate

    table = read_certificate(path)
    return table[table["kind"].isin(KINDS["joint"])]


def measure(claim: Stated, rows: pd.DataFrame) -> Measured:
    """Largest over the changes of range and images."""
    from normeq.equivariance.changes import KINDS

    here = rows[(rows["dtype"] == claim.dtype) & rows["kind"].isin(KINDS[claim.change])]
    if here.empty:
        raise Missing(f"a certificate of {claim.variant} in {claim.dtype}")
    worst = worst_of_seeds(claim, here["relative"], here["seed"])
    if not abs(worst) < float("inf"):
        raise Missing(f"an answer of {claim.variant} on every range")
    return Measured(
        worst, NAN, NAN, here["image"].nunique(), 1, here["seed"].nunique(),
        subject=f"{claim.variant}, {claim.change} defect, {claim.dtype}", sigma=only_level(here["sigma"]),
    )  # fmt: skip
