"""Test images that networks may have seen in training, and the same data set without them."""

from __future__ import annotations

import pandas as pd

from normeq.suite.results.long_tables import showing_order

# Data set -> image, and the name of what is left (see normeq.suite.results.names).
LEAKED = {"set12": ("04", "set12-without-04")}
LEAK_FREE = tuple(name for _, name in LEAKED.values())
REASON = (
    "Set12 image 04 is a crop of BSDS500 train/12003.jpg, which the usual training sets (BSD400, BSD432)"
    " contain: networks trained on them have seen it. The data set bsd431 leaves it out."
)


def with_leak_free(table: pd.DataFrame) -> pd.DataFrame:
    """A long table with the rows of Set12 once more, without image 04, under a name of its own.

    Data sets without that image, or with no other one, are left as they are.
    """
    parts = [table]
    for dataset, (image, name) in LEAKED.items():
        rows = table[table["dataset"] == dataset]
        rest = rows[rows["image"] != image]
        if 0 < len(rest) < len(rows):
            parts.append(rest.assign(dataset=name))
    return showing_order(pd.concat(parts, ignore_index=True)) if len(parts) > 1 else table


def leak_note(summary: pd.DataFrame) -> tuple[str, ...]:
    """The reason, where a table shows a data set without its leaked image."""
    shown = {name for _, name in LEAKED.values()} & set(summary["dataset"])
    return (REASON,) if shown else ()
