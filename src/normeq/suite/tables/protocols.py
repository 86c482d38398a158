"""The sensitivity table: what each convention of others moves, with the same weights on the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.imaging.conventions import CONVENTIONS
from normeq.suite.results.long_tables import IDENTITY, read_protocols
from normeq.suite.results.names import dataset_name, measured_on, variant_name
from normeq.suite.statistics.means import paired, per_image, summarise
from normeq.suite.tables.formats import Table, signed

KEYS = [*IDENTITY, "dataset", "sigma"]
# Conventions that need no other measurement: name -> words, users.
DRAW = ("another draw", "yardstick: another draw of the noise", "any code without a fixed seed")
MEAN_MSE = ("mean mse", "dB of the mean MSE, not mean of the dB", "an option of Saied & Fleuret")
AXIS = ("clipped axis", "input PSNR (x-axis) of the clipped noisy image", "authors of NE, BF-CNN")
WORDS = {c.protocol.name: (c.words, c.users) for c in CONVENTIONS}
WORDS |= {name: (words, users) for name, words, users in (DRAW, MEAN_MSE, AXIS)}
ORDER = [*list(WORDS)[: len(CONVENTIONS) - 1], MEAN_MSE[0], DRAW[0], AXIS[0], "uniform ssim"]


def changes(table: pd.DataFrame) -> pd.DataFrame:
    """Change from the paper's protocol for each denoiser, data set and convention.

    Args:
        table: as :func:`normeq.suite.results.long_tables.read_protocols` gives it.

    Returns:
        network, variant, train_sigma, dataset, sigma, convention, quantity (psnr, psnr_in: dB; ssim), paper
        (its mean under the paper's protocol), change, low, high (paired by image, 95 %; none for ``mean
        mse``), images, seeds, draws.

    Raises:
        NormeqError: no rows of the paper's protocol.
    """
    paper = table[(table["protocol"] == "paper") & (table["draw"].astype(int) == 0)]
    if paper.empty:
        raise NormeqError("protocols: no rows of the protocol paper, with which the others are compared")
    if set(table["protocol"]) == {"paper"}:
        raise NormeqError("protocols: no protocol but paper; measure with `normeq evaluate protocols`")
    again = table[(table["protocol"] == "paper") & (table["draw"].astype(int) == 1)]
    cases = [(c.protocol.name, c.quantity, table[table["protocol"] == c.protocol.name]) for c in CONVENTIONS]
    cases += [(DRAW[0], "psnr", again), (AXIS[0], "psnr_in", paper.assign(psnr_in=paper["psnr_in_clipped"]))]
    parts = [_change(paper, rows, name, quantity) for name, quantity, rows in cases if len(rows)]
    parts.append(_mean_mse(paper))
    return pd.concat(parts, ignore_index=True)


def _change(paper: pd.DataFrame, rows: pd.DataFrame, name: str, quantity: str) -> pd.DataFrame:
    images = per_image(paper, quantity, KEYS)
    differences = paired(per_image(rows, quantity, KEYS), images, quantity, [*KEYS, "image"])
    summary = summarise(differences, quantity, KEYS).rename(columns={"mean": "change"})
    means = images.groupby(KEYS, as_index=False, sort=False)[quantity].mean()
    return summary.merge(means.rename(columns={quantity: "paper"}), on=KEYS).assign(
        convention=name, quantity=quantity
    )


def _mean_mse(paper: pd.DataFrame) -> pd.DataFrame:
    """dB of the mean MSE less the mean of the dB, of each training for itself."""
    means = per_image(paper, "psnr", KEYS)
    counts = means.groupby(KEYS, as_index=False, sort=False).agg(
        paper=("psnr", "mean"), images=("image", "nunique"), seeds=("seeds", "max"), draws=("draws", "max")
    )
    trainings = (
        paper.assign(mse=10 ** (-paper["psnr"] / 10))
        .groupby([*KEYS, "seed"], as_index=False, sort=False)[["mse", "psnr"]]
        .mean()
    )
    trainings["change"] = -10 * np.log10(trainings["mse"]) - trainings["psnr"]
    change = trainings.groupby(KEYS, as_index=False, sort=False)["change"].mean()
    return counts.merge(change, on=KEYS).assign(convention=MEAN_MSE[0], quantity="psnr")


def make(path: Path) -> Table:
    """Build the table from ``protocols.csv``."""
    numbers = changes(read_protocols(path))
    columns = [*KEYS, "convention", "quantity", "paper", "change", "low", "high", "images", "seeds", "draws"]
    numbers = numbers[columns]
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
    measured = measured_on(numbers[numbers["convention"] == MEAN_MSE[0]])
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
    trained = f" (trained at {row.train_sigma.replace('-', '–')})" if row.train_sigma else ""
    name = (
        row.network if row.variant == "other" else f"{row.network}, {variant_name(row.variant, row.network)}"
    )
    return name + trained


def _cell(row) -> str:
    if row.convention == DRAW[0]:  # which way it went this time is chance: what counts is how far it may go
        return f"± {(row.high - row.low) / 2:.3f}" if row.images > 1 else "–"
    return signed(row.change, 4 if row.quantity == "ssim" else 3)
