"""Test images, a batch of equal size at a time, so that memory holds a few of them whatever is measured."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from normeq.denoisers.open import OTHER, Denoiser
from normeq.errors import NormeqError, is_out_of_memory
from normeq.imaging.images import middle
from normeq.nn.inputs import check_output
from normeq.suite.data import listing
from normeq.suite.data.listing import ImageFile

GPU_PIXELS = 2**21  # of a batch: 8 images of 512×512; 64 channels of float32 are half a gigabyte


@dataclass(frozen=True)
class Image:
    """A test image: clean is float32 (H, W) in [0,1]; of which the square of ``size`` in the middle is
    measured (0: all)."""

    dataset: str
    name: str
    clean: np.ndarray
    size: int = 0

    @cached_property
    def pixels(self) -> str:
        """First 8 hex digits of the SHA-256 of shape and values of what is measured; of a part of an image
        also of the shape of the whole, whose noise it gets."""
        shape = self.clean.shape
        part = middle(self.clean, self.size)
        content = repr(shape) + (f" middle {self.size}" if part.shape != shape else "")
        return hashlib.sha256(content.encode() + part.astype("<f4").tobytes()).hexdigest()[:8]


def test_images(
    datasets: Sequence[str], data_dir: str | Path, limit: int | None = None
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (data set, image name, gray image as float32 in [0,1]), the first ``limit`` of each data set.

    Raises:
        NormeqError: see :func:`normeq.suite.data.listing.list_images`; before the first image.
    """
    for images in image_files(datasets, data_dir):
        for image, clean in listing.read(images[:limit]):
            yield image.dataset, image.name, clean


def image_files(datasets: Sequence[str], data_dir: str | Path) -> list[tuple[ImageFile, ...]]:
    """The images of each data set.

    Raises:
        NormeqError: see :func:`normeq.suite.data.listing.list_images`; two folders that tables would call
            alike.
    """
    listings = [listing.list_images(dataset, Path(data_dir)).images for dataset in datasets]
    names: dict[str, str] = {}
    for dataset, images in zip(datasets, listings, strict=True):
        other = names.setdefault(images[0].dataset, dataset)
        if other is not dataset:
            raise NormeqError(f"{other} and {dataset} are both called {images[0].dataset}: rename one folder")
    return listings


def batch_pixels(denoiser: Denoiser, device: torch.device) -> int:
    """How many pixels a batch may have.

    One image at a time on a CPU, where larger batches leave the cache and are slower (FDnCNN 10×32 at
    321×481, one core: 0.27 s an image alone, 0.41 s in a batch of 4), and for denoisers that are not ours,
    which may mix the images of a batch.
    """
    return GPU_PIXELS if denoiser.batched and device.type == "cuda" else 1


def batches(
    images: Iterable[tuple[str, str, np.ndarray]], pixels: int, size: int = 0
) -> Iterator[list[Image]]:
    """Group images of one data set and size.

    Args:
        images: data set, name and clean image; those of a data set one after another.
        pixels: of a batch at most; a larger image makes a batch of its own.
        size: see :class:`Image`.
    """
    waiting: dict[tuple[int, ...], list[Image]] = {}
    dataset = None
    for image in (Image(*entry, size) for entry in images):
        if image.dataset != dataset:
            yield from waiting.values()
            waiting, dataset = {}, image.dataset
        group = waiting.setdefault(image.clean.shape, [])
        group.append(image)
        if (len(group) + 1) * image.clean.size > pixels:
            yield waiting.pop(image.clean.shape)
    yield from waiting.values()


def stack(images: Iterable[np.ndarray], device: torch.device) -> Tensor:
    """Images of one size as (N, H, W) on the device."""
    return torch.from_numpy(np.stack(list(images))).to(device)


@torch.inference_mode()
def denoise(
    denoiser: Denoiser, noisy: Tensor, sigma: float, where: str = "", nominal: bool = False
) -> Tensor:
    """Denoise a batch (N, H, W); σ in 8-bit units, images in the nominal range [0,1].

    Args:
        denoiser, noisy, sigma: what denoises what.
        where: more about the case, for messages.
        nominal: the denoiser sees the image on [0,1], not on another range.

    Raises:
        NormeqError: the image is not finite; a user's denoiser fails or answers in other units; or the output
            of any is not one image for each image, or not finite.
    """
    name = f"denoiser {denoiser.network}" + ("" if denoiser.variant == OTHER else f", {denoiser.variant}")
    given = noisy[:, None]
    if not given.isfinite().all():
        raise NormeqError(f"{name}: the image at σ = {sigma:g}{where} holds NaN or infinity")
    try:
        output = denoiser(given.clone(), sigma / 255)  # some work in place
    except NormeqError:
        raise
    except Exception as error:
        if denoiser.variant != OTHER or is_out_of_memory(error):
            raise
        line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise NormeqError(f"{name}: fails at σ = {sigma:g}{where} ({line})") from None
    output = check_output(output, given, name)[:, 0].float()
    if not output.isfinite().all():
        raise NormeqError(f"{name}: its output at σ = {sigma:g}{where} is not finite (NaN or infinity)")
    if nominal and denoiser.variant == OTHER and _in_other_units(output, noisy):
        raise NormeqError(
            f"{name}: returned values around {float(output.mean()):.3g} for an image in [0,1]: it must "
            "answer in the units of the image (8-bit values divided by 255)"
        )
    return output


def _in_other_units(output: Tensor, noisy: Tensor) -> bool:
    """Whether an output looks like the image, but in units such as 0…255: it follows the image (correlation
    above 0.3) at a level that no image in [0,1] has. Dark images may pass; a data set has others."""
    pair = torch.stack([output.double().flatten(), noisy.double().flatten()])
    return bool((output.mean() > 16) & (torch.corrcoef(pair)[0, 1] > 0.3))


def run(
    denoiser: Denoiser, noisy: np.ndarray, sigma: float, device: torch.device, nominal: bool = False
) -> np.ndarray:
    """Denoise one 2-D image; σ in 8-bit units, image in the nominal range [0,1]; see :func:`denoise`."""
    return denoise(denoiser, stack([noisy], device), sigma, nominal=nominal)[0].cpu().numpy()
