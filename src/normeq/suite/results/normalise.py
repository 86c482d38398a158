"""What of an image goes to a and b: how tables name it, and how figures and tables say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NOMINAL, MINMAX = "nominal", "minmax"
LATER = {"normalise": NOMINAL}  # a long table without that column is older than it
SENT = {
    NOMINAL: "y → a + (b − a)·y",
    MINMAX: "lowest and highest value of the noisy image to a and b",
}


def sent(numbers: pd.DataFrame) -> str:
    """What went to a and b in such a table, as its figure says it; all of its rows say the same."""
    return SENT[numbers["normalise"].iloc[0]]
