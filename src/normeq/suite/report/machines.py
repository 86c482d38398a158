"""What the measurements of an experiment were made by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from normeq.suite.results.csv_files import read_csv
from normeq.suite.results.names import counted


def machines(tables: Iterable[Path]) -> list[str]:
    """Processors and versions in the column ``measured_by`` of long tables, most measurements first.

    Raises:
        NormeqError: a table cannot be read.
    """
    found: Counter[str] = Counter()
    for table in tables:
        rows = read_csv(table)
        found.update(rows["measured_by"] if "measured_by" in rows else [""] * len(rows))
    return [
        f"{name or 'not recorded (an earlier version)'}: {counted([count], 'measurement')}"
        for name, count in found.most_common()
    ]
