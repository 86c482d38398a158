"""Small denoised crops of many images, for the interactive view of the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from normeq.errors import NormeqError
from normeq.suite.config.settings import Option, Settings
from normeq.suite.measuring.pictures import Crop
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import Datasets, Images, Intervals, Sigma, Sigmas, check_intervals

if TYPE_CHECKING:
    import numpy as np
    import torch

    from normeq.denoisers.open import Denoiser


class Moved(Settings):
    """The crops of these data sets on intervals [a,b] as well, at one noise level."""

    datasets: Annotated[Datasets, Option("--interval-datasets")]
    sigma: Annotated[Sigma, Option("--interval-sigma")]
    intervals: Intervals


class Gallery(Settings):
    """The most detailed crop of every image, denoised by every network, for the interactive view of the
    report."""

    datasets: Datasets
    sigmas: Sigmas
    images: Images = None
    size: Annotated[int, Field(ge=16, description="Side of the crops in pixels.")] = 64
    context: Annotated[int, Field(ge=0, description="Pixels around a crop that the denoiser sees too.")] = 48
    intervals: Moved | None = None

    def check(self, fail: Callable[[str, str], None]) -> None:
        if self.intervals is None:
            return
        check_intervals(self.intervals.intervals, fail, "intervals.intervals")
        for name in self.intervals.datasets:
            if name not in self.datasets:
                fail("intervals.datasets", f"{name} is not in evaluate.gallery.datasets")


MEASUREMENT = Measurement("gallery", Gallery, of="first")


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigmas: Sequence[float],
    size: int,
    context: int,
    intervals: Moved | None = None,
    *,
    data_dir: str | Path,
    device: torch.device,
    limit: int | None = None,
) -> dict[str, np.ndarray]:
    """Denoise the most detailed crop of each image, together with the pixels around it.

    The surroundings make the crop that of the whole image for a network that sees no further; the wrapper's
    mean and standard deviation are those of the crop with its surroundings. Noise is draw 0 of
    ``noise_levels.csv``; noisy crops are not kept: they follow from ``clean``, ``shapes`` and ``crops``
    (:func:`normeq.imaging.crops.noisy_crop`).

    Args:
        datasets: names in the data registry.
        sigmas: 8-bit units.
        size: side of the crop in pixels.
        context: pixels around it that the denoiser sees too.
        intervals: images, σ and intervals [a,b] of further crops; they are denoised as T_{a,b}
            (:mod:`normeq.equivariance.ranges`).
        limit: only the first so many images of each data set.

    Returns:
        ``meta`` (JSON: labels, images ``dataset/name``, context, and dataset, sigma and intervals of
        ``moved``), ``sigmas`` (S,), ``clean`` (N, h, h) uint8, ``shapes`` and ``crops`` (N, 2), ``denoised``
        (N, S, h, h) uint8, ``psnr`` (N, S) of the crop in dB before rounding to 8 bits; with ``intervals``:
        ``denoised_moved`` (M, I, h, h) and ``psnr_moved`` (M, I), of those images in the same order.

    Raises:
        NormeqError: an image is smaller than the crop.
    """
    import numpy as np

    from normeq.denoisers.open import describe
    from normeq.equivariance.ranges import in_interval
    from normeq.imaging.crops import detailed_crop, to_uint8
    from normeq.imaging.protocol import PAPER
    from normeq.suite.measuring.batches import image_files, test_images

    moved = intervals
    there = [
        replace(denoiser, function=in_interval(denoiser.function, a, b))
        for a, b in (moved.intervals if moved else ())
    ]
    there_too = [images[0].dataset for images in image_files(moved.datasets, data_dir)] if moved else []
    names, clean_crops, shapes, crops, plain, shifted = [], [], [], [], [], []
    for dataset, name, clean in test_images(datasets, data_dir, limit):
        if min(clean.shape) < size:
            raise NormeqError(
                f"gallery: {dataset}/{name} of {clean.shape[0]}×{clean.shape[1]} pixels is smaller than the "
                f"crop of {size}; choose a smaller size"
            )
        crop = Crop(*detailed_crop(clean, size), size)
        given = [PAPER.noisy(clean, sigma, dataset, name, 0) for sigma in sigmas]
        plain.append(
            [
                _denoise(denoiser, y, s, crop, context, clean, device)
                for y, s in zip(given, sigmas, strict=True)
            ]
        )
        if moved and dataset in there_too:
            noisy = PAPER.noisy(clean, moved.sigma, dataset, name, 0)
            shifted.append([_denoise(f, noisy, moved.sigma, crop, context, clean, device) for f in there])
        names.append(f"{dataset}/{name}")
        clean_crops.append(to_uint8(_cut(clean, crop)))
        shapes.append(clean.shape)
        crops.append(crop[:2])
    about = {"images": names, "context": context}
    if moved:
        about["moved"] = {
            "datasets": there_too,
            "sigma": moved.sigma,
            "intervals": [list(pair) for pair in moved.intervals],
        }
    out = {
        "meta": np.array(describe(denoiser, **about)),
        "sigmas": np.array(sigmas, dtype=float),
        "clean": np.stack(clean_crops),
        "shapes": np.array(shapes),
        "crops": np.array(crops),
        "denoised": np.array([[crop for crop, _ in image] for image in plain]),
        "psnr": np.array([[value for _, value in image] for image in plain]),
    }
    if moved:
        out["denoised_moved"] = np.array([[crop for crop, _ in image] for image in shifted])
        out["psnr_moved"] = np.array([[value for _, value in image] for image in shifted])
    return out


def _cut(image: np.ndarray, crop: Crop) -> np.ndarray:
    return image[crop.row : crop.row + crop.size, crop.column : crop.column + crop.size]


def _denoise(
    denoiser: Denoiser,
    noisy: np.ndarray,
    sigma: float,
    crop: Crop,
    context: int,
    clean: np.ndarray,
    device: torch.device,
) -> tuple[np.ndarray, float]:
    """A crop, denoised together with its surroundings: 8-bit pixels, and PSNR in dB before rounding."""
    import numpy as np

    from normeq.imaging.crops import to_uint8
    from normeq.imaging.metrics import psnr
    from normeq.suite.measuring.batches import run

    top, left = max(0, crop.row - context), max(0, crop.column - context)
    end = crop.size + context
    seen = np.ascontiguousarray(noisy[top : crop.row + end, left : crop.column + end])
    output = _cut(run(denoiser, seen, sigma, device), Crop(crop.row - top, crop.column - left, crop.size))
    return to_uint8(output), psnr(output, _cut(clean, crop))
