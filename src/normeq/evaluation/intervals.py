"""PSNR over normalisation intervals [a,b]: does an arbitrary choice of range matter?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from normeq.evaluation.denoisers import Denoiser
from normeq.evaluation.noise_levels import run, test_images
from normeq.metrics import psnr
from normeq.noise import gaussian_noise
from normeq.normalization import in_interval

COLUMNS = "network,variant,train_sigma,seed,dataset,image,sigma,a,b,draw,psnr,weights".split(",")


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigma: float,
    intervals: Sequence[tuple[float, float]],
    draws: int,
    *,
    data_dir: str | Path = "data",
    device: torch.device,
    limit: int | None = None,
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, [a,b], draw), with the keys of :data:`COLUMNS`.

    The noisy image (σ in 8-bit units, nominal range [0,1]) is sent to [a,b], denoised there and sent back;
    the same noise serves for every interval. PSNR in dB after going back.

    Args and errors: as in :func:`normeq.evaluation.noise_levels.evaluate`; an interval without a < b is
        refused.
    """
    there = [(a, b, replace(denoiser, function=in_interval(denoiser.function, a, b))) for a, b in intervals]
    for dataset, name, clean in test_images(datasets, data_dir, limit):
        for draw in range(draws):
            noisy = clean + gaussian_noise(clean.shape, sigma, dataset, name, draw)
            for a, b, moved in there:
                yield denoiser.labels | {
                    "dataset": dataset,
                    "image": name,
                    "sigma": sigma,
                    "a": a,
                    "b": b,
                    "draw": draw,
                    "psnr": psnr(run(moved, noisy, sigma, device), clean),
                    "weights": denoiser.weights,
                }
