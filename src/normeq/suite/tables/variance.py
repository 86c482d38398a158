"""The variance table: how far images, noise draws and training seeds spread PSNR, and its mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from normeq.errors import NormeqError
from normeq.imaging.protocol import get_protocol
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import IDENTITY, read_noise_levels
from normeq.suite.results.names import dataset_name, measured_on, protocol_note, variant_name
from normeq.suite.statistics.variance import split
from normeq.suite.tables.formats import Table, with_interval
from normeq.suite.tables.matched_noise import matched, usual

KEYS = [*IDENTITY, "dataset", "sigma"]
NAN = float("nan")
SHARED_NOISE = (
    "Images of one size share their noise in this protocol: what draws do to the mean is not known.",
)


def components(table: pd.DataFrame) -> pd.DataFrame:
    """Split the variance of PSNR for each denoiser, data set and noise level.

    Returns:
        network, variant, train_sigma, dataset, sigma, psnr (mean), the standard deviations of
        :class:`normeq.suite.statistics.variance.Components` (sd_images, ...), mean_images, mean_seeds,
        mean_draws (standard deviation of the mean that each causes; all dB), images, seeds, draws.

    Raises:
        NormeqError: an image lacks a draw or a seed that others have.
    """
    rows = []
    for key, group in table.groupby(KEYS, sort=False):
        cube = group.pivot_table("psnr", "image", ["seed", "draw"], aggfunc="first", dropna=False)
        images, seeds, draws = len(cube), group["seed"].nunique(), group["draw"].nunique()
        if cube.shape[1] != seeds * draws or cube.isna().any(axis=None):
            raise NormeqError(
                f"variance: {key[0]}, {key[1]} on {key[3]} at sigma {key[4]:g}: not every image has every "
                "draw and seed; evaluate all with the same draws"
            )
        values = cube.to_numpy().reshape(images, seeds, draws)
        found = split(values)
        repeats = [
            (found.seeds**2 / seeds, found.images_seeds**2 / (images * seeds)),
            (found.draws**2 / (images * draws), found.rest**2 / (images * seeds * draws)),
        ]
        of_seeds, of_draws = (np.sqrt(np.nansum(part)) if not np.isnan(part[0]) else NAN for part in repeats)
        if _shared_noise(group):
            of_draws = NAN
        rows.append(
            dict(zip(KEYS, key, strict=True))
            | {"psnr": values.mean()}
            | {f"sd_{name}": value for name, value in vars(found).items()}
            | {"mean_images": found.images / np.sqrt(images), "mean_seeds": of_seeds, "mean_draws": of_draws}
            | {"images": images, "seeds": seeds, "draws": draws}
        )
    return pd.DataFrame(rows)


def _shared_noise(table: pd.DataFrame) -> bool:
    """Whether images of one size have the same noise: a draw then moves them together, and so their mean."""
    return "protocol" in table and get_protocol(table["protocol"].iloc[0]).reset_seed


def make(path: Path) -> Table:
    """Build the table from ``noise_levels.csv``; noise levels other than that of training are in the CSV."""
    table = with_leak_free(read_noise_levels(path))
    numbers = components(table)
    here = numbers.merge(usual(matched(table))[KEYS].drop_duplicates(), on=KEYS)
    rows = []
    for cell in here.itertuples():
        own = cell.variant == "other"
        row = {
            "data set": dataset_name(cell.dataset),
            "denoiser": cell.network
            if own
            else f"{cell.network}, {variant_name(cell.variant, cell.network)}",
            "train σ": cell.train_sigma.replace("-", "–") or "–",
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
    order = {dataset_name(name): i for i, name in enumerate(table["dataset"].drop_duplicates())}
    shown = pd.DataFrame(rows).sort_values("data set", key=lambda c: c.map(order), kind="stable")
    return Table(
        name="variance",
        numbers=numbers,
        shown=shown,
        title="Where the spread of PSNR comes from: standard deviations in dB",
        notes=(
            f"{measured_on(here)}. {protocol_note(table)}",
            "images: between images. seeds: between trainings, alike on all images; images × seeds: image by"
            " image. draws: between noise draws of one image. – : not known from one seed, or one draw.",
            "mean: what each does to the mean over these images, seeds and draws.",
            "Random effects, estimated from mean squares, none below zero: 0.000 says that the other parts"
            " explain what was seen. Few seeds estimate roughly.",
            *(SHARED_NOISE if _shared_noise(table) else ()),
            *leak_note(here),
        ),
    )


def _cell(value: float) -> str:
    return with_interval(value, NAN, NAN, 3)
