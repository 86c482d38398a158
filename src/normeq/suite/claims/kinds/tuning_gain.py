"""Claims on what the choice of a range brings to networks that are not equivariant to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from normeq.nn.variants import get_variant
from normeq.suite.claims.measured import THESE, Measured, Missing
from normeq.suite.claims.registry import ClaimKind
from normeq.suite.claims.spec import Claim, Variant
from normeq.suite.measuring.settings import Datasets, Sigma

if TYPE_CHECKING:
    import pandas as pd

CLAIM = ClaimKind(order=40, reads="tuning.csv", needs_interval=True)


class Stated(Claim):
    """What choosing the range of the input gains for one variant at one noise level (docs/experiments.md,
    Tuning)."""

    kind: Literal["tuning_gain"]
    datasets: Datasets
    variant: Variant
    tuning: Annotated[
        Literal["known", "scale", "shift"],
        Field(description="known: λ = σ/σ_train; scale, shift: the best λ or μ for each image (oracle)."),
    ]
    sigma: Sigma


def check(claim: Stated, config: Any, networks: Any, fail: Any) -> None:
    """Refuse a tuning that is not tried on the variant, or on none of its networks."""
    if ("shift" if claim.tuning == "shift" else "scale") not in get_variant(claim.variant).tuned:
        fail("tuning", f"{claim.tuning} is not tried on {claim.variant}, which it cannot change")
    if claim.tuning == "known" and all(spec.sigma_range[0] != spec.sigma_range[1] for spec in networks):
        fail("tuning", "known needs a network trained at one noise level")


def read(path: Path) -> pd.DataFrame:
    """Read ``tuning.csv``, with the data sets without leaked images: gains of every tuning."""
    from normeq.suite.analysis.tuning import tuning_summary
    from normeq.suite.results.leaks import with_leak_free
    from normeq.suite.results.long_tables import read_tuning

    return tuning_summary(with_leak_free(read_tuning(path)))


def measure(claim: Stated, rows: pd.DataFrame) -> Measured:
    """Mean gain over images."""
    from normeq.suite.analysis.tuning import NAMES

    here = rows[(rows["method"] == claim.tuning) & (rows["sigma"] == claim.sigma)]
    if here.empty:
        raise Missing(f"{NAMES[claim.tuning]} of {claim.variant} at σ = {claim.sigma:g}")
    [row] = here.to_dict("records")
    if row["gain"] != row["gain"]:  # NaN
        raise Missing(f"{claim.variant} as it is at σ = {claim.sigma:g}, with a common seed and draw")
    return Measured(
        row["gain"], row["gain_low"], row["gain_high"], row["images"], row["draws"], row["seeds"],
        subject=f"{claim.variant}, {NAMES[claim.tuning]}", sigma=claim.sigma, note=THESE,
    )  # fmt: skip
