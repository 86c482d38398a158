"""PSNR and SSIM over noise levels: does a network trained at one σ work at others?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from normeq.data.listing import files
from normeq.evaluation.batches import batch_pixels, batches, denoise, stack
from normeq.evaluation.denoisers import Denoiser
from normeq.evaluation.earlier import Earlier, labels
from normeq.images import read_gray
from normeq.metrics import Reference
from normeq.protocol import PAPER, Protocol

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,draw,psnr_in,psnr,ssim,psnr_in_clipped,psnr_8bit,"
    "weights,pixels,protocol"
).split(",")


def test_images(
    datasets: Sequence[str], data_dir: str | Path, limit: int | None = None
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (data set, image name, gray image as float32 in [0,1]), the first ``limit`` of each data set."""
    for dataset in datasets:
        for path in files(dataset, Path(data_dir))[:limit]:
            yield dataset, path.stem, read_gray(path)


def run(denoiser: Denoiser, noisy: np.ndarray, sigma: float, device: torch.device) -> np.ndarray:
    """Denoise one 2-D image; σ in 8-bit units, image in the nominal range [0,1]."""
    return denoise(denoiser, stack([noisy], device), sigma)[0].cpu().numpy()


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigmas: Iterable[float],
    draws: int,
    *,
    data_dir: str | Path = "data",
    device: torch.device,
    limit: int | None = None,
    protocol: Protocol = PAPER,
    earlier: Earlier | None = None,
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, σ, draw), with the keys of :data:`COLUMNS`.

    ``psnr_in`` is that of the noisy image as it is, with the paper's protocol 20·log10(255/σ) in expectation;
    ``psnr_in_clipped`` clips it to [0,1] first; ``psnr`` and ``ssim`` are those of the protocol;
    ``psnr_8bit`` is that of the output clipped and rounded to 8 bits. All in dB, SSIM in [-1,1].

    Args:
        denoiser: what to evaluate; it gets unclipped noisy images.
        datasets: names in the data registry.
        sigmas: noise levels in 8-bit units, > 0.
        draws: noise realisations per image and σ.
        data_dir, device: where the images are, where to compute.
        limit: only that many images of each data set.
        protocol: the conventions.
        earlier: rows that need not be measured again.
    """
    sigmas, earlier = list(sigmas), earlier or Earlier()
    for batch in batches(test_images(datasets, data_dir, limit), batch_pixels(denoiser, device)):
        reference = protocol.reference(stack([protocol.clean(image.clean) for image in batch], device))
        for sigma, draw in product(sigmas, range(draws)):
            asked = [labels(denoiser, image, protocol) | {"sigma": sigma, "draw": draw} for image in batch]
            rows = [earlier.find(label) for label in asked]
            if None in rows:
                clean = (protocol.clean(image.clean) for image in batch)
                noisy = stack(
                    [
                        protocol.noisy(x, sigma, image.dataset, image.name, draw)
                        for x, image in zip(clean, batch, strict=True)
                    ],
                    device,
                )
                new = judge(protocol, reference, noisy, denoise(denoiser, noisy, sigma))
                rows = [old or label | row for old, label, row in zip(rows, asked, new, strict=True)]
            for row in rows:
                yield {column: row[column] for column in COLUMNS}


def judge(
    protocol: Protocol, reference: Reference, noisy: Tensor, output: Tensor
) -> Iterator[dict[str, float]]:
    """The numbers of each image of a batch; noisy and denoised images are (N, H, W)."""
    numbers = {
        "psnr_in": reference.psnr(noisy, clip=False),
        "psnr": protocol.psnr(reference, output),
        "ssim": protocol.ssim(reference, output),
        "psnr_in_clipped": reference.psnr(noisy),
        "psnr_8bit": reference.psnr(output, round_8bit=True),
    }
    return (dict(zip(numbers, values, strict=True)) for values in zip(*numbers.values(), strict=True))
