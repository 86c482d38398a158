"""What each convention of others moves, with the same weights on the same images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.imaging.conventions import CONVENTIONS
from normeq.suite.results.long_tables import CONDITION, MEASUREMENT
from normeq.suite.statistics.means import paired, per_image, summarise

# Conventions that need no protocol of their own.
DRAW, MEAN_MSE, AXIS = "another draw", "mean mse", "clipped axis"


def protocol_changes(table: pd.DataFrame) -> pd.DataFrame:
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
    cases += [(DRAW, "psnr", again), (AXIS, "psnr_in", paper.assign(psnr_in=paper["psnr_in_clipped"]))]
    parts = [_change(paper, rows, name, quantity) for name, quantity, rows in cases if len(rows)]
    parts.append(_mean_mse(paper))
    counts = ["images", "seeds", "draws"]
    columns = [*CONDITION, "convention", "quantity", "paper", "change", "low", "high", *counts]
    return pd.concat(parts, ignore_index=True)[columns]


def _change(paper: pd.DataFrame, rows: pd.DataFrame, name: str, quantity: str) -> pd.DataFrame:
    images = per_image(paper, quantity, CONDITION)
    on = [*CONDITION, *MEASUREMENT]
    if name == DRAW:  # the one difference whose noise is another
        on.remove("draw")
    differences = per_image(paired(rows, paper, quantity, on), quantity, CONDITION)
    summary = summarise(differences, quantity, CONDITION).rename(columns={"mean": "change"})
    means = images.groupby(CONDITION, as_index=False, sort=False)[quantity].mean()
    return summary.merge(means.rename(columns={quantity: "paper"}), on=CONDITION).assign(
        convention=name, quantity=quantity
    )


def _mean_mse(paper: pd.DataFrame) -> pd.DataFrame:
    """dB of the mean MSE less the mean of the dB, of each training for itself."""
    means = per_image(paper, "psnr", CONDITION)
    counts = means.groupby(CONDITION, as_index=False, sort=False).agg(
        paper=("psnr", "mean"), images=("image", "nunique"), seeds=("seeds", "max"), draws=("draws", "max")
    )
    trainings = (
        paper.assign(mse=10 ** (-paper["psnr"] / 10))
        .groupby([*CONDITION, "seed"], as_index=False, sort=False)[["mse", "psnr"]]
        .mean()
    )
    trainings["change"] = -10 * np.log10(trainings["mse"]) - trainings["psnr"]
    change = trainings.groupby(CONDITION, as_index=False, sort=False)["change"].mean()
    return counts.merge(change, on=CONDITION).assign(convention=MEAN_MSE, quantity="psnr")
