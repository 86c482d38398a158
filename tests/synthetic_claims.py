"""Made-up tables of known content, on which claims are judged."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests import synthetic

VARIANTS = ("ordinary", "scale", "norm", "wrapped")


def long_table(psnr: dict[tuple[str, float], list[float]], draws: int = 1, seeds: int = 1) -> pd.DataFrame:
    """One row per variant, sigma, image, draw and seed; draws lie 0.1 around the value, seeds 0.01."""
    rows = [
        ("net", variant, 25, seed, "set12", f"{i:02d}", sigma, draw, 20.0,
         value + 0.1 * (draw - (draws - 1) / 2) + 0.01 * (seed - (seeds - 1) / 2), 0.9)
        for (variant, sigma), values in psnr.items()
        for i, value in enumerate(values) for draw in range(draws) for seed in range(seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=synthetic.NOISE_LEVELS)


def certificate_table(path: Path, network: str = "tiny", image: str = "set12/01") -> Path:
    """Defects that a network of each variant might have; that of norm grows in float16."""
    defects = {"ordinary": (40, 0.9), "scale": (1e-7, 1.2), "norm": (2e-6, 3e-6), "wrapped": (1e-7, 2e-7)}
    rows = [
        {
            "network": network,
            "variant": variant,
            "train_sigma": "25",
            "seed": "0",
            "weights": "1",
            "kind": kind,
            "scale": 2,
            "shift": 0,
            "dtype": dtype,
            "device": "cpu",
            "dataset": image.split("/")[0],
            "image": image.split("/")[1],
            "error": "",
            "relative": defects[variant][kind == "shift"] * (100 if dtype == "float16" else 1),
            "absolute": 1,
            "sigma": "25",
        }
        for variant in VARIANTS
        for kind in ("repeat", "scale", "shift", "joint")
        for dtype in ("float32", "float16")
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def filter_table(path: Path, network: str = "tiny") -> Path:
    """Sums above and below 1 at two noise levels."""
    rows = [
        {
            "network": network,
            "variant": variant,
            "train_sigma": "25",
            "seed": "0",
            "dataset": "set12",
            "image": "02",
            "crop": "0,0,8",
            "sigma": sigma,
            "psnr": 30,
            "defect": 0.2 if variant == "ordinary" else 0,
            "row": row,
            "col": 1,
            "sum": 1.0 if variant == "norm" else total,
        }
        for variant in VARIANTS
        for sigma, row, total in ((5, 1, 0.75), (25, 2, 1.125))
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def tuning_table(path: Path, network: str = "tiny", images: dict[str, int] | None = None) -> Path:
    """Scale tuning gains 5, 6 and 7 dB on three images."""
    rows = [
        {
            "network": network,
            "variant": "ordinary",
            "train_sigma": "25",
            "seed": "0",
            "dataset": dataset,
            "image": str(image),
            "sigma": 75,
            "draw": 0,
            "tuning": tuning,
            "scale": scale,
            "shift": 0,
            "psnr": 12 + image + (0 if tuning == "none" else 5 + image),
        }
        for dataset, count in (images or {"set12": 3}).items()
        for image in range(count)
        for tuning, scale in (("none", 1), ("known", 3))
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path
