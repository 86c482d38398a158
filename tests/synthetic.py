"""Made-up long tables that look like real ones; every number is decided by a seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from normeq.suite.results.long_tables import INTERVALS as INTERVAL_COLUMNS
from normeq.suite.results.long_tables import NOISE_LEVELS

SIGMAS = (5, 10, 15, 20, 25, 30, 35, 40, 50, 75, 100)
INTERVALS = (
    (0, 1),
    (0, 0.5),
    (0, 2),
    (0, 10),
    (0, 255),
    (0.25, 0.75),
    (-0.5, 0.5),
    (-1, 1),
    (1, 2),
    (10, 11),
)
IMAGES = {"set12": 12, "bsd68": 68}


# Mean PSNR (dB) at these levels for training at 25, made up to look like the published curves.
SHAPES = {
    "ordinary": (30.5, 30.5, 30.4, 19.5, 15.9, 10.6),
    "scale": (33.2, 32.2, 30.4, 28.3, 27.0, 23.8),
    "norm": (36.1, 32.6, 30.3, 28.2, 26.9, 23.6),
    "wrapped": (35.5, 32.5, 30.4, 28.2, 26.9, 23.5),
    "other": (32.0, 30.5, 27.0, 23.0, 20.5, 15.5),
}


def true_psnr(variant: str, sigma: float, train: float = 25.0) -> float:
    return float(np.interp(np.log(sigma * 25 / train), np.log([5, 15, 25, 38, 53, 100]), SHAPES[variant]))


def denoisers(networks: tuple[str, ...], variants: tuple[str, ...], train: float, other: tuple[str, ...]):
    return [(n, v, train, "0") for n in networks for v in variants] + [(n, "other", "", "") for n in other]


def noise_levels(
    networks=("fdncnn8x32",), variants=("ordinary", "scale", "norm", "wrapped"), train=25.0, other=(),
    images=IMAGES, sigmas=SIGMAS, draws=1, rng=0,
) -> pd.DataFrame:  # fmt: skip
    random = np.random.default_rng(rng)
    rows = []
    for dataset, count in images.items():
        hard = random.normal(0, 2.0, count)
        noise = {s: 20 * np.log10(255 / s) + random.normal(0, 0.02, (count, draws)) for s in sigmas}
        for network, variant, level, seed in denoisers(networks, variants, train, other):
            for sigma in sigmas:
                for i in range(count):
                    for draw in range(draws):
                        psnr = true_psnr(variant, sigma, train) + hard[i] + random.normal(0, 0.05)
                        psnr -= 0.6 * networks.index(network) if network in networks else 0
                        rows.append(
                            (network, variant, level, seed, dataset, f"{i:02d}", sigma, draw,
                             noise[sigma][i, draw], psnr, 1 / (1 + np.exp(-(psnr - 20) / 4)))
                        )  # fmt: skip
    return pd.DataFrame(rows, columns=NOISE_LEVELS)


def intervals(
    networks=("fdncnn8x32",), variants=("ordinary", "scale", "norm", "wrapped"), train=25.0, other=(),
    images=IMAGES, pairs=INTERVALS, draws=1, rng=0,
) -> pd.DataFrame:  # fmt: skip
    random = np.random.default_rng(rng)
    rows = []
    for dataset, count in images.items():
        hard = random.normal(0, 2.0, count)
        for network, variant, level, seed in denoisers(networks, variants, train, other):
            for i in range(count):
                base = 30.0 + hard[i] + random.normal(0, 0.05)
                for a, b in pairs:
                    loss = {
                        "ordinary": 6 * abs(np.log(b - a)) + 8 * abs(a) ** 0.5,
                        "scale": 9 * (abs(a) / (b - a)) ** 0.7,
                        "other": 0.3 * abs(np.log(b - a)),
                    }.get(variant, 1e-5) * random.uniform(0.7, 1.0)
                    for draw in range(draws):
                        psnr = base - min(loss, 22.0) + random.normal(0, 1e-5)
                        where = (network, variant, level, seed, dataset, f"{i:02d}", 25.0)
                        rows.append((*where, a, b, "nominal", draw, psnr))
    return pd.DataFrame(rows, columns=INTERVAL_COLUMNS)
