"""PSNR over a grid of scales and shifts: what any range of the image would give, not only a few intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from normeq.evaluation.denoisers import Denoiser
from normeq.evaluation.noise_levels import run, test_images
from normeq.images import middle
from normeq.metrics import psnr
from normeq.noise import gaussian_noise
from normeq.normalization import in_range

COLUMNS = "network,variant,train_sigma,seed,dataset,image,sigma,scale,shift,draw,psnr,weights".split(",")


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigma: float,
    scales: Sequence[float],
    shifts: Sequence[float],
    draws: int,
    size: int = 0,
    *,
    data_dir: str | Path = "data",
    device: torch.device,
    limit: int | None = None,
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, draw, scale, shift), with the keys of :data:`COLUMNS`.

    The noisy image is sent to [a, b] with a = shift and b - a = scale, denoised there and sent back; PSNR in
    dB after that. Scale 1 with shift 0 is always there, to compare with. The same noise serves for the whole
    grid.

    Args:
        sigma: 8-bit units; a noise map gets it times the scale.
        scales, shifts: in units of the nominal range [0,1]; scales above 0.
        size: side of the square in the middle of the image that is used, in pixels; 0 for the whole image.
        datasets, draws, data_dir, device, limit: as in :func:`normeq.evaluation.noise_levels.evaluate`.

    Raises:
        NormeqError: a scale that is not positive.
    """
    grid = dict.fromkeys([(1.0, 0.0), *((float(k), float(m)) for k in scales for m in shifts)])
    there = [(k, m, replace(denoiser, function=in_range(denoiser.function, k, m))) for k, m in grid]
    for dataset, name, image in test_images(datasets, data_dir, limit):
        clean = middle(image, size)
        for draw in range(draws):
            noisy = middle(image + gaussian_noise(image.shape, sigma, dataset, name, draw), size)
            for scale, shift, moved in there:
                yield denoiser.labels | {
                    "dataset": dataset,
                    "image": name,
                    "sigma": sigma,
                    "scale": scale,
                    "shift": shift,
                    "draw": draw,
                    "psnr": psnr(run(moved, noisy, sigma, device), clean),
                    "weights": denoiser.weights,
                }
