"""Claims on what the interval [a,b] costs, on which an image is presented."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from normeq.errors import NormeqError
from normeq.suite.claims.measured import Measured, Missing, about_training, repeats
from normeq.suite.claims.registry import ClaimKind
from normeq.suite.claims.spec import Claim, Variant
from normeq.suite.config.settings import LeftOut
from normeq.suite.measuring.settings import Datasets, Pair

if TYPE_CHECKING:
    import pandas as pd

CLAIM = ClaimKind(order=20, reads="intervals.csv", needs_interval=True)


class Stated(Claim):
    """PSNR on [0,1] minus PSNR on the interval [a,b] where that difference is largest, for one variant."""

    kind: Literal["interval_loss"]
    datasets: Datasets
    variant: Variant
    intervals: Annotated[
        list[Pair] | None,
        Field(min_length=1, description="Only these [a, b]; without it all that are measured."),
        LeftOut(),
    ] = None


def check(claim: Stated, config: Any, networks: Any, fail: Any) -> None:
    """Refuse intervals that are not measured, and [0, 1] itself."""
    measured = [tuple(pair) for pair in config["evaluate"]["intervals"]["intervals"]]
    if set(measured) == {(0, 1)}:
        fail("", "evaluate.intervals.intervals has only [0, 1], with which others are compared")
    for number, pair in enumerate(claim.intervals or ()):
        if pair == (0, 1):
            fail(f"intervals[{number}]", "[0, 1] is what others are compared with")
        if pair not in measured:
            a, b = pair
            fail(f"intervals[{number}]", f"[{a:g}, {b:g}] is not in evaluate.intervals.intervals")


def read(path: Path) -> pd.DataFrame:
    """Read ``intervals.csv``, with the data sets without leaked images."""
    from normeq.suite.results.leaks import with_leak_free
    from normeq.suite.results.long_tables import read_intervals

    return with_leak_free(read_intervals(path))


def measure(claim: Stated, rows: pd.DataFrame) -> Measured:
    """Mean over images of the loss on the worst interval, with bounds that hold for all at once."""
    from normeq.suite.analysis.intervals import in_order, interval_name
    from normeq.suite.results.long_tables import MEASUREMENT
    from normeq.suite.statistics.means import CONFIDENCE, over_images_and_seeds, paired, per_image

    images = per_image(rows, "psnr", ["sigma", "a", "b"])
    unit = images[(images["a"] == 0) & (images["b"] == 1)]
    if unit.empty:
        raise Missing("the interval [0, 1]")
    if images["sigma"].nunique() > 1:
        raise NormeqError("intervals: more than one noise level in the table; claims need a table with one")
    there = [(a, b) for a, b in in_order(images)[["a", "b"]].itertuples(index=False) if (a, b) != (0, 1)]
    pairs = there if claim.intervals is None else claim.intervals
    absent = [interval_name(*pair) for pair in pairs if pair not in there]
    if absent or not pairs:
        raise Missing(f"the interval {', '.join(absent)}" if absent else "intervals other than [0, 1]")
    at_unit = rows[(rows["a"] == 0) & (rows["b"] == 1)]
    change = paired(rows, at_unit, "psnr", ["sigma", *MEASUREMENT])
    change["psnr"] = -change["psnr"]
    compared = set(change[["a", "b"]].itertuples(index=False, name=None))
    lone = [interval_name(*pair) for pair in pairs if tuple(pair) not in compared]
    if lone:
        raise Missing(f"the interval [0, 1], with a seed and draw of {', '.join(lone)}")
    every = 1 - (1 - CONFIDENCE) / len(pairs)  # Bonferroni: all intervals hold together with 95 %
    losses = [
        over_images_and_seeds(change[(change["a"] == a) & (change["b"] == b)], "psnr", confidence=every)
        for a, b in pairs
    ]
    size = abs if claim.bound == "within" else float
    worst = max(range(len(pairs)), key=lambda i: size(losses[i].mean))
    lower = min if claim.bound == "within" else max
    return Measured(
        losses[worst].mean, lower(e.low for e in losses), max(e.high for e in losses), losses[worst].images,
        *repeats(images), subject=f"{claim.variant} on {interval_name(*pairs[worst])}",
        sigma=float(images["sigma"].iloc[0]), note=about_training(images),
    )  # fmt: skip
