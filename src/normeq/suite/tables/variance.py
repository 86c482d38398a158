"""The variance table: how far images, noise draws and training seeds spread PSNR, and its mean."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.analysis.matched_noise import matched, usual
from normeq.suite.analysis.variance import shares_noise, variance_components
from normeq.suite.formats.numbers import fixed
from normeq.suite.formats.table import Table, dataset_order
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import CONDITION, read_noise_levels
from normeq.suite.results.names import dataset_name, denoiser_name, level_name, measured_on, protocol_note
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="How much of the spread is images, noise draws and training seeds.",
    order=30,
    reads="noise_levels.csv",
)

SHARED_NOISE = (
    "Images of one size share their noise in this protocol: what draws do to the mean is not known.",
)


def make(path: Path) -> Table:
    """Build the table from ``noise_levels.csv``; noise levels other than that of training are in the CSV."""
    table = with_leak_free(read_noise_levels(path))
    numbers = variance_components(table)
    here = numbers.merge(usual(matched(table))[CONDITION].drop_duplicates(), on=CONDITION)
    rows = []
    for cell in here.itertuples():
        row = {
            "data set": dataset_name(cell.dataset),
            "denoiser": denoiser_name(cell.network, cell.variant),
            "train σ": level_name(cell.train_sigma),
            "test σ": f"{cell.sigma:g}",
            "images": _cell(cell.sd_images),
            "seeds": _cell(cell.sd_seeds),
            "images × seeds": _cell(cell.sd_images_seeds),
            "draws": _cell(cell.sd_draws),
            "rest": _cell(cell.sd_rest),
            "mean: images": _cell(cell.mean_images),
            "mean: seeds": _cell(cell.mean_seeds),
            "mean: draws": _cell(cell.mean_draws),
        }
        rows.append(row)
    return Table(
        name="variance",
        numbers=numbers,
        shown=dataset_order(pd.DataFrame(rows), table["dataset"].map(dataset_name)),
        title="Where the spread of PSNR comes from: standard deviations in dB",
        notes=(
            f"{measured_on(here)}. {protocol_note(table)}",
            "images: between images. seeds: between trainings, alike on all images; images × seeds: image by"
            " image. draws: between noise draws of one image. – : not known from one seed, or one draw.",
            "mean: what each does to the mean over these images, seeds and draws.",
            "Random effects, estimated from mean squares, none below zero: 0.000 says that the other parts"
            " explain what was seen. Few seeds estimate roughly.",
            *(SHARED_NOISE if shares_noise(table) else ()),
            *leak_note(here),
        ),
    )


def _cell(value: float) -> str:
    return fixed(value, 3)
