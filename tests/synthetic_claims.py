"""A made-up table of known content, on which claims are judged."""

from __future__ import annotations

import pandas as pd

from tests import synthetic


def long_table(psnr: dict[tuple[str, float], list[float]], draws: int = 1, seeds: int = 1) -> pd.DataFrame:
    """One row per variant, sigma, image, draw and seed; draws lie 0.1 around the value, seeds 0.01."""
    rows = [
        ("net", variant, 25, seed, "set12", f"{i:02d}", sigma, draw, 20.0,
         value + 0.1 * (draw - (draws - 1) / 2) + 0.01 * (seed - (seeds - 1) / 2), 0.9)
        for (variant, sigma), values in psnr.items()
        for i, value in enumerate(values) for draw in range(draws) for seed in range(seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=synthetic.NOISE_LEVELS)
