"""The tuning table: what the choice of a range brings to networks that are not equivariant to it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.analysis import notebook
from normeq.suite.analysis.tuning import tuned_name, tuning_summary
from normeq.suite.formats.numbers import fixed, minus, sci, signed
from normeq.suite.formats.table import Table, by_sigma
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import IDENTITY, read_tuning
from normeq.suite.results.names import dataset_name, level_name, measured_on, part_note, protocol_note
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="Scale and shift tuning: PSNR and what it gains.",
    order=70,
    reads="tuning.csv",
    published=True,
)


def make(path: Path, published: Path | None = None) -> Table:
    """Build the table from ``tuning.csv``; published values of single images are notes."""
    table = with_leak_free(read_tuning(path))
    numbers = tuning_summary(table)
    sigmas = sorted(numbers["sigma"].unique())
    several = numbers.loc[numbers["variant"] != "other", "network"].nunique() > 1
    rows = []
    for key, group in numbers.groupby(["dataset", *IDENTITY, "method"], sort=False):
        dataset, network, variant, trained, method = key
        name = tuned_name(network, variant, method)
        if several and variant != "other":
            name = f"{network}, {name}"
        row = {
            "data set": dataset_name(dataset),
            "denoiser": name,
            "train σ": level_name(trained),
        }
        rows.append(row | by_sigma(group, sigmas, _cell))
    return Table(
        name="tuning",
        numbers=numbers,
        shown=pd.DataFrame(rows),
        title="What the choice of a range brings without equivariance: mean PSNR in dB (gain; median λ or μ)",
        notes=(
            f"{measured_on(numbers)}{part_note(numbers)}. {protocol_note(table)}",
            "Scale tuning is λ·f(y/λ), shift tuning f(y − μ) + μ. An oracle takes, for each image, the λ or"
            " μ of the config with the best PSNR: it needs the clean image, so no method can use it.",
            "λ = σ/σ_train needs σ. What is equivariant gains nothing from tuning and is not tuned.",
            *(notebook.tuning(published) if published else []),
            *leak_note(numbers),
        ),
    )


def _cell(row: pd.Series) -> str:
    text = fixed(row["psnr"])
    if row["method"] == "none":
        return text
    symbol, value = ("μ", row["shift"]) if row["method"] == "shift" else ("λ", row["scale"])
    return minus(f"{text} ({signed(row['gain'])}; {symbol} = {sci(value)})")
