"""PSNR and SSIM over noise levels: does a network trained at one σ work at others?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from normeq.data.listing import files
from normeq.evaluation.denoisers import Denoiser
from normeq.images import read_gray
from normeq.metrics import psnr, ssim
from normeq.noise import gaussian_noise

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,draw,psnr_in,psnr,ssim,psnr_in_clipped,psnr_8bit,weights"
).split(",")


def test_images(
    datasets: Sequence[str], data_dir: str | Path, limit: int | None = None
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (data set, image name, gray image as float32 in [0,1]), the first ``limit`` of each data set."""
    for dataset in datasets:
        for path in files(dataset, Path(data_dir))[:limit]:
            yield dataset, path.stem, read_gray(path)


@torch.no_grad()
def run(denoiser: Denoiser, noisy: np.ndarray, sigma: float, device: torch.device) -> np.ndarray:
    """Denoise one 2-D image; σ in 8-bit units, image in the nominal range [0,1]."""
    y = torch.from_numpy(noisy)[None, None].to(device)
    return denoiser(y, sigma / 255)[0, 0].float().cpu().numpy()


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigmas: Iterable[float],
    draws: int,
    *,
    data_dir: str | Path = "data",
    device: torch.device,
    limit: int | None = None,
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, σ, draw), with the keys of :data:`COLUMNS`.

    ``psnr_in`` is that of the unclipped noisy image, 20·log10(255/σ) in expectation; ``psnr_in_clipped``
    clips it to [0,1] first; ``psnr`` and ``ssim`` clip the output to [0,1]; ``psnr_8bit`` also rounds it to
    8 bits. All in dB, SSIM in [-1,1].

    Args:
        denoiser: what to evaluate; it gets unclipped noisy images.
        datasets: names in the data registry.
        sigmas: noise levels in 8-bit units, > 0.
        draws: noise realisations per image and σ.
        data_dir, device: where the images are, where to compute.
        limit: only that many images of each data set.
    """
    sigmas = list(sigmas)
    for dataset, name, clean in test_images(datasets, data_dir, limit):
        for sigma in sigmas:
            for draw in range(draws):
                noisy = clean + gaussian_noise(clean.shape, sigma, dataset, name, draw)
                output = run(denoiser, noisy, sigma, device)
                yield denoiser.labels | {
                    "dataset": dataset,
                    "image": name,
                    "sigma": sigma,
                    "draw": draw,
                    "psnr_in": psnr(noisy, clean, clip=False),
                    "psnr": psnr(output, clean),
                    "ssim": ssim(output, clean),
                    "psnr_in_clipped": psnr(noisy, clean),
                    "psnr_8bit": psnr(output, clean, round_8bit=True),
                    "weights": denoiser.weights,
                }
