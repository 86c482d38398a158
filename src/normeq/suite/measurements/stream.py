"""The loop behind the measurements: images pass by in batches, so that memory does not grow with settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Required, TypedDict, Unpack

import numpy as np
import torch
from torch import Tensor

from normeq.denoisers.open import Denoiser
from normeq.imaging.images import middle
from normeq.imaging.metrics import Reference
from normeq.imaging.protocol import PAPER, Protocol
from normeq.suite.measurements.batches import Image, batch_pixels, batches, denoise, stack, test_images
from normeq.suite.measurements.row_cache import Earlier, labels

Numbers = Callable[[Protocol, Reference, Tensor, Tensor], Iterable[dict[str, float]]]


class Setup(TypedDict, total=False):
    """What every measurement may be told.

    Attributes:
        device: where to compute.
        data_dir: folder of the data sets.
        limit: only that many images of each data set.
        size: side of the square in the middle of the image that is used, in pixels; 0 (default) for the
            whole image. The noise is that of the whole image.
        protocol: the conventions; the paper's by default.
        earlier: rows that need not be measured again.
    """

    device: Required[torch.device]
    data_dir: str | Path
    limit: int | None
    size: int
    protocol: Protocol
    earlier: Earlier | None


@dataclass(frozen=True)
class Setting:
    """One thing that is measured on every image.

    Attributes:
        columns: what tells it from other settings in the table.
        sigma, draw: the noise; 8-bit units.
        denoiser: what gets the noisy image.
    """

    columns: dict[str, object]
    sigma: float
    draw: int
    denoiser: Denoiser


def stream(
    denoiser: Denoiser,
    datasets: Sequence[str],
    settings: Sequence[Setting],
    columns: Sequence[str],
    numbers: Numbers,
    **setup: Unpack[Setup],
) -> Iterator[dict[str, object]]:
    """Yield one row per image and setting, image by image (batch by batch), settings in the order given.

    Args:
        denoiser: whose labels the rows bear.
        datasets: names in the data registry.
        settings: those with the same noise one after another, as noise is made once for them.
        columns: of the table; ``size`` may be among them.
        numbers: from protocol, reference, noisy and denoised images (N, H, W) to each image's numbers.
        setup: see :class:`Setup`.
    """
    device, size = setup["device"], setup.get("size", 0)
    protocol, earlier = setup.get("protocol", PAPER), setup.get("earlier") or Earlier()
    images = test_images(datasets, setup.get("data_dir", "data"), setup.get("limit"))
    for batch in batches(images, batch_pixels(denoiser, device), size):
        clean = [protocol.clean(image.clean) for image in batch]
        reference = protocol.reference(stack((middle(x, size) for x in clean), device))
        noise, noisy = None, None
        for setting in settings:
            asked = [
                labels(denoiser, image, protocol, device) | setting.columns | {"size": size}
                for image in batch
            ]
            rows = [earlier.find(label, columns) for label in asked]
            if None in rows:
                if noise != (setting.sigma, setting.draw):
                    noise = (setting.sigma, setting.draw)
                    noisy = _noisy(protocol, batch, clean, *noise, size, device)
                output = denoise(setting.denoiser, noisy, setting.sigma, _case(batch, setting))
                new = numbers(protocol, reference, noisy, output)
                now = {"weights": denoiser.identity}  # known less well, if it read a file only now
                rows = [old or label | now | row for old, label, row in zip(rows, asked, new, strict=True)]
            for row in rows:
                yield {column: row[column] for column in columns}


def _case(batch: list[Image], setting: Setting) -> str:
    """``, a = 10, b = 11, on set12/01`` for messages."""
    more = [f"{key} = {value}" for key, value in setting.columns.items() if key not in ("sigma", "draw")]
    images = f"on {batch[0].dataset}/{batch[0].name}" + (" and others of its size" if len(batch) > 1 else "")
    return "".join(f", {part}" for part in (*more, images))


def psnr_only(
    protocol: Protocol, reference: Reference, noisy: Tensor, output: Tensor
) -> Iterator[dict[str, float]]:
    """PSNR in dB of each denoised image."""
    return ({"psnr": value} for value in protocol.psnr(reference, output))


def _noisy(
    protocol: Protocol,
    batch: list[Image],
    clean: list[np.ndarray],
    sigma: float,
    draw: int,
    size: int,
    device: torch.device,
) -> Tensor:
    whole = (
        protocol.noisy(x, sigma, image.dataset, image.name, draw)
        for x, image in zip(clean, batch, strict=True)
    )
    return stack((middle(x, size) for x in whole), device)
