"""The sensitivity table: what each convention of others moves, with the same weights on the same images."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.imaging.conventions import CONVENTIONS
from normeq.suite.analysis.protocols import AXIS, DRAW, MEAN_MSE, protocol_changes
from normeq.suite.formats.numbers import signed
from normeq.suite.formats.table import Table
from normeq.suite.results.long_tables import read_protocols
from normeq.suite.results.names import dataset_name, denoiser_name, level_name, measured_on
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="What each convention of others moves, in dB.",
    order=60,
    reads="protocols.csv",
)

WORDS = {c.protocol.name: (c.words, c.users) for c in CONVENTIONS}
WORDS |= {
    DRAW: ("yardstick: another draw of the noise", "any code without a fixed seed"),
    MEAN_MSE: ("dB of the mean MSE, not mean of the dB", "an option of Saied & Fleuret"),
    AXIS: ("input PSNR (x-axis) of the clipped noisy image", "authors of NE, BF-CNN"),
}
ORDER = [*list(WORDS)[: len(CONVENTIONS) - 1], MEAN_MSE, DRAW, AXIS, "uniform ssim"]


def make(path: Path) -> Table:
    """Build the table from ``protocols.csv``."""
    numbers = protocol_changes(read_protocols(path))
    rows = []
    for (dataset, sigma), group in numbers.groupby(["dataset", "sigma"], sort=False):
        for name in ORDER:
            here = group[group["convention"] == name]
            if len(here):
                words, users = WORDS[name]
                row = {
                    "data set": dataset_name(dataset),
                    "σ": f"{sigma:g}",
                    "convention": words,
                    "done by": users,
                }
                rows.append(row | {_denoiser(cell): _cell(cell) for cell in here.itertuples()})
    measured = measured_on(numbers[numbers["convention"] == MEAN_MSE])
    return Table(
        name="protocols",
        numbers=numbers,
        shown=pd.DataFrame(rows).fillna("–"),
        title="The same weights under the conventions of others: change in dB from the protocol `paper`",
        notes=(
            f"{measured}. Mean change over images, paired; 95 % intervals are in the CSV.",
            "Each line changes one thing, but `kair` two. SSIM is in its own units, all else in dB.",
            "The yardstick (±, 95 %) is how far another draw of the noise moves the mean: a seed of one's own"
            " moves as much.",
        ),
    )


def _denoiser(row) -> str:
    trained = f" (trained at {level_name(row.train_sigma)})" if row.train_sigma else ""
    return denoiser_name(row.network, row.variant) + trained


def _cell(row) -> str:
    if row.convention == DRAW:  # which way it went this time is chance: what counts is how far it may go
        return f"± {(row.high - row.low) / 2:.3f}" if row.images > 1 else "–"
    return signed(row.change, 4 if row.quantity == "ssim" else 3)
