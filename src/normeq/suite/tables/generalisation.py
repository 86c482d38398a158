"""The generalisation table: mean PSNR at every test noise level, one row per denoiser and data set."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.analysis.noise_levels import mean_psnr
from normeq.suite.formats.numbers import fixed
from normeq.suite.formats.table import Table, by_sigma, dataset_order
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import read_noise_levels
from normeq.suite.results.names import dataset_name, denoiser_name, level_name, measured_on, protocol_note
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="PSNR at every test noise level.",
    order=20,
    reads="noise_levels.csv",
)


def make(path: Path) -> Table:
    """Build the table from ``noise_levels.csv``; the CSV also carries the intervals."""
    table = with_leak_free(read_noise_levels(path))
    numbers = mean_psnr(table)
    sigmas = sorted(numbers["sigma"].unique())
    rows = []
    for (dataset, network, variant, label), group in numbers.groupby(
        ["dataset", "network", "variant", "train_sigma"], sort=False
    ):
        row = {
            "data set": dataset_name(dataset),
            "denoiser": denoiser_name(network, variant),
            "train σ": level_name(label),
        }
        rows.append(row | by_sigma(group, sigmas, lambda cell: fixed(cell["psnr"])))
    return Table(
        name="generalisation",
        numbers=numbers,
        shown=dataset_order(pd.DataFrame(rows), numbers["dataset"].map(dataset_name)),
        title="Denoising at noise levels other than that of training: mean PSNR in dB",
        notes=(
            f"{measured_on(numbers)}.",
            "σ in 8-bit units; 95 % intervals over images are in the CSV.",
            protocol_note(table),
            *leak_note(numbers),
        ),
    )
