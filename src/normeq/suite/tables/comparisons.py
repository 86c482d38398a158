"""The comparison table: variants of one network against each other at every noise level (Holm)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.analysis.comparisons import LEVEL, comparisons
from normeq.suite.formats.numbers import signed
from normeq.suite.formats.table import Table, by_sigma
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import read_noise_levels
from normeq.suite.results.names import dataset_name, level_name, measured_on, protocol_note, variant_name
from normeq.suite.statistics.means import SEEDS
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="Variants against each other at every noise level, Holm-corrected.",
    order=50,
    reads="noise_levels.csv",
    when="compares_variants",
    otherwise="the config has no network in several variants",
)


def make(path: Path) -> Table:
    """Build the table from ``noise_levels.csv``."""
    table = with_leak_free(read_noise_levels(path))
    numbers = comparisons(table)
    sigmas = sorted(numbers["sigma"].unique())
    rows = []
    for (dataset, network, trained, of, over), group in numbers.groupby(
        ["dataset", "network", "train_sigma", "of", "over"], sort=False
    ):
        row = {
            "data set": dataset_name(dataset),
            "network": network,
            "train σ": level_name(trained),
            "difference": f"{variant_name(of, '')} − {variant_name(over, '')}",
        }
        rows.append(row | by_sigma(group, sigmas, _cell))
    return Table(
        name="comparisons",
        numbers=numbers,
        shown=pd.DataFrame(rows),
        title="Variants against each other: mean difference of PSNR in dB, paired by image",
        notes=(
            f"{measured_on(numbers)}. {protocol_note(table)}",
            f"° : may be chance (p ≥ {LEVEL:g}; Wilcoxon signed-rank test over images, Holm-corrected over"
            " the σ of a line). 95 % intervals and p-values are in the CSV.",
            f"Intervals are about other images like these, and from {SEEDS} training seeds on about other"
            " trainings too; p-values about these weights.",
            *leak_note(numbers),
        ),
    )


def _cell(row: pd.Series) -> str:
    return signed(row["gain"]) + ("" if row["p_holm"] < LEVEL else " °")
