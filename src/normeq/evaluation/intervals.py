"""PSNR over normalisation intervals [a,b]: does an arbitrary choice of range matter?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from normeq.evaluation.batches import batch_pixels, batches, denoise, stack
from normeq.evaluation.denoisers import Denoiser
from normeq.evaluation.earlier import Earlier, labels
from normeq.evaluation.noise_levels import test_images
from normeq.normalization import in_interval
from normeq.protocol import PAPER, Protocol

COLUMNS = "network,variant,train_sigma,seed,dataset,image,sigma,a,b,draw,psnr,weights,pixels,protocol".split(
    ","
)


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
    protocol: Protocol = PAPER,
    earlier: Earlier | None = None,
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, [a,b], draw), with the keys of :data:`COLUMNS`.

    The noisy image (σ in 8-bit units, nominal range [0,1]) is sent to [a,b], denoised there and sent back;
    the same noise serves for every interval. PSNR in dB after going back.

    Args and errors: as in :func:`normeq.evaluation.noise_levels.evaluate`; an interval without a < b is
        refused.
    """
    earlier = earlier or Earlier()
    there = [(a, b, replace(denoiser, function=in_interval(denoiser.function, a, b))) for a, b in intervals]
    for batch in batches(test_images(datasets, data_dir, limit), batch_pixels(denoiser, device)):
        clean = [protocol.clean(image.clean) for image in batch]
        reference = protocol.reference(stack(clean, device))
        for draw in range(draws):
            noisy = stack(
                [
                    protocol.noisy(x, sigma, i.dataset, i.name, draw)
                    for x, i in zip(clean, batch, strict=True)
                ],
                device,
            )
            for a, b, moved in there:
                asked = [
                    labels(denoiser, image, protocol) | {"sigma": sigma, "a": a, "b": b, "draw": draw}
                    for image in batch
                ]
                rows = [earlier.find(label) for label in asked]
                if None in rows:
                    new = protocol.psnr(reference, denoise(moved, noisy, sigma))
                    rows = [
                        old or label | {"psnr": n} for old, label, n in zip(rows, asked, new, strict=True)
                    ]
                for row in rows:
                    yield {column: row[column] for column in COLUMNS}
