"""Made-up image parts, as ``normeq evaluate filters`` and ``examples`` would write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

SIDE, RADIUS = 48, 6
PIXELS = ((10, 40), (40, 10))


def clean_picture(side: int = SIDE) -> np.ndarray:
    """Stripes, a disc and a ramp, values in [0,1]."""
    y, x = np.mgrid[:side, :side] / side
    picture = 0.25 + 0.4 * x + 0.2 * (np.sin(40 * (x + 0.5 * y)) > 0) * (y > 0.5)
    return np.where((x - 0.6) ** 2 + (y - 0.35) ** 2 < 0.05, 0.85 - 0.5 * y, picture)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((np.clip(a, 0, 1) - b) ** 2)))


def kernel(width: float, angle: float, total: float) -> np.ndarray:
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    w = np.exp(-(u**2) / (2 * width**2) - v**2 / (2 * (width / 3) ** 2)) - 0.03 * np.exp(-(u**2 + v**2) / 40)
    return total * w / w.sum()


def write_part(
    folder: Path,
    variant: str,
    network: str = "fdncnn8x32",
    sigmas=(25.0, 5.0),
    side: int = SIDE,
    rng: int = 0,
    pixels=PIXELS,
    **meta,
) -> Path:
    """Write one part with the keys of both figures; the noise depends on ``rng`` only."""
    random = np.random.default_rng(rng)
    clean = clean_picture(side)
    noisy = np.stack([clean + s / 255 * random.standard_normal(clean.shape) for s in sigmas])
    blur = {"ordinary": 1.2, "scale": 1.0, "norm": 0.8, "wrapped": 0.9}.get(variant, 0.5)
    power = 0.9 if variant in {"norm", "wrapped"} else 0.3
    denoised = np.stack([gaussian_filter(n, blur * (s / 25) ** power)
                         for n, s in zip(noisy, sigmas, strict=True)])  # fmt: skip
    total = {"norm": 1.0, "wrapped": 1.0, "scale": 1.02}.get(variant, 0.9)
    filters = np.stack(
        [[kernel(1 + s / 8, 0.5 + j, total - 0.01 * j) for j in range(len(pixels))] for s in sigmas]
    )
    path = folder / f"{network}-{variant}.npz"
    about = {"network": network, "variant": variant, "train_sigma": 25.0, "seed": 0, "dataset": "set12",
             "image": "02", "crop": [50, 50, side]} | meta  # fmt: skip
    np.savez(
        path, meta=json.dumps(about), clean=clean, sigmas=np.array(sigmas), pixels=np.array(pixels),
        noisy=noisy, denoised=denoised, filters=filters, sums=filters.sum((-1, -2)),
        defect=np.array([0.1 if variant == "ordinary" else 3e-8] * len(sigmas)),
        psnr=np.array([psnr(d, clean) for d in denoised]), psnr_in=np.array([psnr(n, clean) for n in noisy]),
    )  # fmt: skip
    return path
