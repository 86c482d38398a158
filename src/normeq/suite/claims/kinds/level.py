"""Claims on the accuracy at a noise level, beside the published one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from normeq.errors import NormeqError
from normeq.suite.claims.kinds import gain
from normeq.suite.claims.measured import NAN, Measured, Missing, repeats
from normeq.suite.claims.registry import ClaimKind
from normeq.suite.claims.spec import Claim, Variant, level_label
from normeq.suite.config.settings import LeftOut, Settings
from normeq.suite.measuring.settings import Datasets, Sigma

if TYPE_CHECKING:
    import pandas as pd

CLAIM = ClaimKind(order=30, reads="noise_levels.csv", published=True)
read = gain.read  # one table for both, read once


class PublishedValue(Settings):
    """Which published value; data set and noise level are those of the claim."""

    paper: Annotated[str, Field(description="Column paper of published_psnr.csv.")]
    method: Annotated[str, Field(description="Column method of published_psnr.csv.")]
    train_sigma: Annotated[
        str | None,
        Field(description="Column train_sigma of published_psnr.csv, such as 0-75; else the claim's sigma."),
        LeftOut(),
    ] = None
    source: Annotated[
        str | None,
        Field(
            description="How the column source ends, such as Table 7, where a paper prints a method twice."
        ),
        LeftOut(),
    ] = None


class Stated(Claim):
    """Mean PSNR at the noise level of training minus the published value (data/published, verified rows
    only)."""

    kind: Literal["level"]
    datasets: Datasets
    variant: Variant
    sigma: Sigma
    published: PublishedValue

    @property
    def trained_at(self) -> str | None:
        """The training level; without one named, that of the test."""
        return level_label(self.sigma if self.train_sigma is None else self.train_sigma)

    @property
    def subject(self) -> str:
        """Such as ``norm − published``."""
        return f"{self.variant} − published"


def check(claim: Stated, config: Any, networks: Any, fail: Any) -> None:
    """Refuse a claim without its one verified published value on every data set."""
    from normeq.suite.data.registry import find_folder
    from normeq.suite.results.published import read_published

    folder = find_folder(Path(config["data"]["dir"])) / "published"
    try:
        values = read_published(folder, "published_psnr.csv")
    except NormeqError as error:
        fail("published", str(error))
    for dataset in claim.datasets:
        rows = _named(claim, values, dataset)
        if rows.empty:
            fail("published", f"no verified value of {_of(claim)} on {dataset} at σ = {claim.sigma:g}")
        if rows["value"].nunique() > 1:
            fail("published", f"several values on {dataset}, give source: {_sources(rows)}")


def measure(claim: Stated, rows: pd.DataFrame, published: pd.DataFrame) -> Measured:
    """Mean over images minus the published mean over the very same ones; its interval is over trainings or
    draws."""
    import numpy as np
    from scipy.stats import t as student_t

    from normeq.suite.statistics.means import CONFIDENCE, SEEDS, per_image

    rows = rows[rows["sigma"] == claim.sigma]
    if rows.empty:
        raise Missing(f"σ = {claim.sigma:g} for {claim.variant}")
    theirs = _published(claim, published, rows["dataset"].iloc[0])
    images = per_image(rows, "psnr", ["variant"])
    ours = float(images["psnr"].mean())
    seeds, draws = rows["seed"].nunique(), rows["draw"].nunique()
    low = high = NAN
    note = f"fewer than {SEEDS} seeds or draws: no interval"
    if max(seeds, draws) >= SEEDS:
        by = "seed" if seeds >= SEEDS else "draw"
        means = rows.groupby([by, "image"])["psnr"].mean().groupby(by).mean()
        reach = student_t.ppf((1 + CONFIDENCE) / 2, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means))
        low, high, note = ours - reach - theirs, ours + reach - theirs, f"interval over {by}s"
    return Measured(
        ours - theirs, low, high, len(images), *repeats(images),
        subject=claim.subject, sigma=claim.sigma, published=theirs, note=note,
    )  # fmt: skip


def _published(claim: Stated, values: pd.DataFrame, dataset: str) -> float:
    """The one verified value that the claim names.

    Raises:
        Missing: there is none.
        NormeqError: there are several different ones.
    """
    if values.empty:
        raise Missing("published values (--published)")
    rows = _named(claim, values, dataset)
    if rows.empty:
        raise Missing(f"a verified value of {_of(claim)} at σ = {claim.sigma:g}")
    if rows["value"].nunique() > 1:
        raise NormeqError(
            f"claim {claim.id!r}: several published values, give published.source: {_sources(rows)}"
        )
    return float(rows["value"].iloc[0])


def _named(claim: Stated, values: pd.DataFrame, dataset: str) -> pd.DataFrame:
    from normeq.suite.results.published import named_values

    return named_values(values, claim.published.model_dump(exclude_none=True), dataset, claim.sigma)


def _of(claim: Stated) -> str:
    return f"{claim.published.paper} {claim.published.method}"


def _sources(rows: pd.DataFrame) -> str:
    return "; ".join(f"{row.value:g} ({row.source})" for row in rows.itertuples())
