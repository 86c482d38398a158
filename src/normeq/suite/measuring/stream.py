"""The loop behind the measurements: images pass by in batches, so that memory does not grow with settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Required, TypedDict, Unpack

import numpy as np
import torch
from torch import Tensor

from normeq.denoisers.open import Denoiser
from normeq.equivariance.centring import is_far
from normeq.errors import NormeqError
from normeq.imaging.images import middle
from normeq.imaging.metrics import Reference
from normeq.imaging.protocol import PAPER, Protocol
from normeq.suite.measuring.batches import Image, batch_pixels, batches, denoise, stack, test_images
from normeq.suite.measuring.row_cache import RowCache, labels, mark
from normeq.suite.results.normalise import NOMINAL

Numbers = Callable[[Protocol, Reference, Tensor, Tensor], Iterable[dict[str, float]]]


class Setup(TypedDict, total=False):
    """What every measurement may be given.

    Attributes:
        device: where to compute.
        data_dir: folder of the data sets.
        limit: only that many images of each data set.
        size: side of the square in the middle of the image that is used, in pixels; 0 (default) for the
            whole image. The noise is that of the whole image.
        protocol: the conventions; the paper's by default.
        row_cache: rows that need not be measured again.
    """

    device: Required[torch.device]
    data_dir: str | Path
    limit: int | None
    size: int
    protocol: Protocol
    row_cache: RowCache | None


@dataclass(frozen=True)
class Setting:
    """One thing that is measured on every image.

    Attributes:
        columns: what tells it from other settings in the table.
        sigma, draw: the noise; 8-bit units.
        denoiser: what gets the noisy image.
        seen: what its network sees of noisy images (N, 1, H, W), if that is not they themselves.
    """

    columns: dict[str, object]
    sigma: float
    draw: int
    denoiser: Denoiser
    seen: Callable[[Tensor], Tensor] | None = None


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
    protocol, row_cache = setup.get("protocol", PAPER), setup.get("row_cache") or RowCache()
    images = test_images(datasets, setup.get("data_dir", "data"), setup.get("limit"))
    for batch in batches(images, batch_pixels(denoiser, device), size):
        clean = [protocol.clean(image.clean) for image in batch]
        reference = protocol.reference(stack((middle(x, size) for x in clean), device))
        # Settings of the same noise come one after another.
        noisy = lru_cache(maxsize=1)(partial(_noisy, protocol, batch, clean, size=size, device=device))
        for setting in settings:
            asked = [
                labels(denoiser, image, protocol, device) | setting.columns | {"size": size}
                for image in batch
            ]
            if denoiser.centred and setting.seen:
                far = is_far(setting.seen(noisy(setting.sigma, setting.draw)[:, None]))
                asked = [mark(label, one) for label, one in zip(asked, far, strict=True)]
            rows = [row_cache.find(label, columns) for label in asked]
            if None in rows:
                output = denoise(
                    setting.denoiser,
                    noisy(setting.sigma, setting.draw),
                    setting.sigma,
                    _case(batch, setting),
                    setting.denoiser is denoiser,
                )
                try:
                    new = numbers(protocol, reference, noisy(setting.sigma, setting.draw), output)
                except NormeqError as error:  # such as an image that is too small for SSIM
                    raise NormeqError(f"{error}{_case(batch, setting)}") from None
                now = {"weights": denoiser.identity}  # known less well, if it read a file only now
                rows = [old or label | now | row for old, label, row in zip(rows, asked, new, strict=True)]
            for row in rows:
                yield {column: row[column] for column in columns}


def _case(batch: list[Image], setting: Setting) -> str:
    """``, a = 10, b = 11, on set12/01`` for messages."""
    said = {key: value for key, value in setting.columns.items() if key not in ("sigma", "draw")}
    more = [f"{key} = {value}" for key, value in said.items() if value != NOMINAL]
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
