"""The number that a claim is judged by, and what several kinds need to work it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from normeq.suite.claims.spec import Claim

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")
THESE = "about these weights, not about training again"


@dataclass(frozen=True)
class Measured:
    """What a claim is judged by, in the unit of its kind.

    Attributes:
        value: the number.
        low, high: bounds of its interval; NaN where chance cannot be estimated.
        images, draws, seeds: how many there are.
        subject: what was measured.
        sigma: test noise level in 8-bit units; NaN for several.
        p_holm: see docs/claims.md; NaN for none.
        published: the value that ours is compared with; NaN for none.
        note: what else there is to say.
    """

    value: float
    low: float
    high: float
    images: int
    draws: int
    seeds: int
    subject: str
    sigma: float
    p_holm: float = NAN
    published: float = NAN
    note: str = ""


class Missing(Exception):
    """A claim cannot be tested; the text says what is missing."""


def repeats(images: pd.DataFrame) -> tuple[int, int]:
    """Draws and seeds that were averaged.

    Args:
        images: as :func:`normeq.suite.statistics.means.per_image` gives it.
    """
    return int(images["draws"].max()), int(images["seeds"].max())


def about_training(images: pd.DataFrame) -> str:
    """What an interval over images says nothing of; nothing where there are seeds enough.

    Args:
        images: as :func:`normeq.suite.statistics.means.per_image` gives it.
    """
    from normeq.suite.statistics.means import SEEDS

    return "" if images["seeds"].max() >= SEEDS else THESE


def worst_of_seeds(claim: Claim, values: pd.Series, seeds: pd.Series) -> float:
    """Of the largest value of each seed, that which speaks most against the claim."""
    largest = values.groupby(seeds).max()
    return float(largest.min() if claim.bound == "at least" else largest.max())


def only_level(sigmas: pd.Series) -> float:
    """The noise level of all rows; NaN where there are several."""
    return float(sigmas.iloc[0]) if sigmas.nunique() == 1 else NAN
