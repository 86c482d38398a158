"""The interval table: PSNR when the image is presented on [a,b] instead of [0,1]."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.analysis.intervals import in_order, interval_name, interval_summary
from normeq.suite.formats.numbers import fixed, signed
from normeq.suite.formats.table import Table
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import IDENTITY, read_intervals
from normeq.suite.results.names import (
    dataset_name,
    denoiser_name,
    level_name,
    measured_on,
    protocol_note,
)
from normeq.suite.results.normalise import sent
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="PSNR on every interval [a,b] and its change from [0,1].",
    order=40,
    reads="intervals.csv",
)


def make(path: Path) -> Table:
    """Build the table from ``intervals.csv``."""
    table = with_leak_free(read_intervals(path))
    numbers = interval_summary(table)
    order = in_order(numbers)
    rows = []
    for key, group in numbers.groupby(["sigma", "dataset", *IDENTITY], sort=False):
        sigma, dataset, network, variant, label = key
        cells = group.set_index(["a", "b"])
        row = {
            "data set": dataset_name(dataset),
            "denoiser": denoiser_name(network, variant),
            "train σ": level_name(label),
            "test σ": f"{sigma:g}",
        }
        for a, b in order[["a", "b"]].itertuples(index=False):
            row[interval_name(a, b)] = _cell(cells.loc[(a, b)]) if (a, b) in cells.index else "–"
        rows.append(row)
    return Table(
        name="intervals",
        numbers=numbers,
        shown=pd.DataFrame(rows).sort_values("test σ", key=lambda c: c.astype(float), kind="stable"),
        title="The same noisy image presented on [a,b]: mean PSNR in dB (change from [0,1])",
        notes=(
            f"{measured_on(numbers)}.",
            f"On [a,b]: {sent(numbers)}, denoised, and back; σ is that on [0,1], in 8-bit units.",
            "The change is paired by image; the CSV has its 95 % interval. Below 0.005 dB it prints as 0.00.",
            protocol_note(table),
            *leak_note(numbers),
        ),
    )


def _cell(row: pd.Series) -> str:
    return f"{fixed(row['psnr'])} ({signed(row['change'])})"
