"""Denoised examples and adaptive filters of one image crop, as arrays for the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from normeq.denoisers.open import OTHER, Denoiser, describe
from normeq.equivariance.filters import adaptive_filter, filter_defect
from normeq.equivariance.ranges import in_interval
from normeq.errors import NormeqError
from normeq.imaging.images import read_gray
from normeq.imaging.metrics import psnr
from normeq.imaging.noise import gaussian_noise
from normeq.suite.data.listing import image_file
from normeq.suite.measurements.batches import run


class Crop(NamedTuple):
    """A square part of an image: top row, left column, side, in pixels."""

    row: int
    column: int
    size: int


def _noisy_versions(
    image: str, sigmas: Sequence[float], data_dir: str | Path
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The clean image and draw 0 of its noise at every σ (8-bit units)."""
    dataset, _, name = image.rpartition("/")
    clean = read_gray(image_file(image, data_dir))
    return clean, [clean + gaussian_noise(clean.shape, sigma, dataset, name, 0) for sigma in sigmas]


def _cut(array: np.ndarray, crop: Crop, image: str) -> np.ndarray:
    part = array[crop.row : crop.row + crop.size, crop.column : crop.column + crop.size]
    if part.shape != (crop.size, crop.size) or min(crop) < 0:
        raise NormeqError(
            f"{image}: the crop {tuple(crop)} (row, column, size) leaves the image of shape {array.shape}"
        )
    return part


def _meta(denoiser: Denoiser, image: str, crop: Crop) -> str:
    dataset, _, name = image.rpartition("/")
    return describe(denoiser, dataset=dataset, image=name, crop=list(crop))


def examples(
    denoiser: Denoiser,
    image: str,
    crop: Crop,
    sigmas: Sequence[float],
    *,
    data_dir: str | Path,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Denoise a whole image at every σ and keep the crop that a figure shows.

    Args:
        image: ``dataset/name``, such as ``set12/07``.
        crop: what to show; PSNR is that of the crop.
        sigmas: 8-bit units.

    Returns:
        ``meta`` (JSON), ``clean`` (H, W), ``sigmas`` (S,), ``noisy`` and ``denoised`` (S, H, W), ``psnr``
        and ``psnr_in`` (S,).
    """
    clean, noisy = _noisy_versions(image, sigmas, data_dir)
    shown = _cut(clean, crop, image)
    shown_noisy = [_cut(y, crop, image) for y in noisy]
    denoised = [
        _cut(run(denoiser, y, sigma, device), crop, image) for y, sigma in zip(noisy, sigmas, strict=True)
    ]
    return {
        "meta": np.array(_meta(denoiser, image, crop)),
        "clean": shown,
        "sigmas": np.array(sigmas, dtype=float),
        "noisy": np.stack(shown_noisy),
        "denoised": np.stack(denoised),
        "psnr": np.array([psnr(x, shown) for x in denoised]),
        "psnr_in": np.array([psnr(y, shown, clip=False) for y in shown_noisy]),
    }


def interval_pictures(
    denoiser: Denoiser,
    image: str,
    crop: Crop,
    sigma: float,
    intervals: Sequence[tuple[float, float]],
    *,
    data_dir: str | Path,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Denoise a whole image on every interval [a,b] and keep the crop that a figure shows.

    Args:
        image, crop: as in :func:`examples`.
        sigma: 8-bit units, on [0,1].
        intervals: pairs (a, b), a < b.

    Returns:
        ``meta`` (JSON), ``clean`` and ``noisy`` (H, W), ``sigma`` (), ``psnr_in`` (), ``intervals`` (I, 2),
        ``denoised`` (I, H, W) back on [0,1], ``psnr`` (I,).
    """
    clean, (noisy,) = _noisy_versions(image, [sigma], data_dir)
    shown, shown_noisy = _cut(clean, crop, image), _cut(noisy, crop, image)
    moved = [replace(denoiser, function=in_interval(denoiser.function, a, b)) for a, b in intervals]
    denoised = [_cut(run(there, noisy, sigma, device), crop, image) for there in moved]
    return {
        "meta": np.array(_meta(denoiser, image, crop)),
        "clean": shown,
        "noisy": shown_noisy,
        "sigma": np.array(float(sigma)),
        "psnr_in": np.array(psnr(shown_noisy, shown, clip=False)),
        "intervals": np.array(intervals, dtype=float),
        "denoised": np.stack(denoised),
        "psnr": np.array([psnr(x, shown) for x in denoised]),
    }


def filters(
    denoiser: Denoiser,
    image: str,
    crop: Crop,
    sigmas: Sequence[float],
    pixels: Sequence[tuple[int, int]],
    radius: int,
    *,
    data_dir: str | Path,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Denoise a crop at every σ and take the adaptive filters at some of its pixels.

    The crop is cut out first and denoised alone, as in the authors' notebook.

    Args:
        image, crop, sigmas: as in :func:`examples`.
        pixels: (row, column) inside the crop.
        radius: filters are shown in a window of (2·radius + 1)² pixels, zero outside the crop; sums are over
            the whole crop.

    Returns:
        As :func:`examples`, with ``pixels`` (P, 2), ``filters`` (S, P, 2r+1, 2r+1), ``sums`` (S, P) and
        ``defect`` (S,), ‖f(y) - J(y) y‖/‖f(y)‖ of the crop.

    Raises:
        NormeqError: a denoiser that PyTorch cannot differentiate, or a pixel outside the crop.
    """
    if not denoiser.differentiable:
        raise NormeqError(
            f"denoiser {denoiser.network}: adaptive filters need a PyTorch module, not a plain function"
        )
    for row, column in pixels:
        if not (0 <= row < crop.size and 0 <= column < crop.size):
            raise NormeqError(
                f"pixel ({row}, {column}) lies outside the crop of {crop.size}×{crop.size} pixels"
            )
    clean, noisy = _noisy_versions(image, sigmas, data_dir)
    clean, noisy = _cut(clean, crop, image), [_cut(y, crop, image) for y in noisy]
    windows, sums, denoised, defects = [], [], [], []
    for y, sigma in zip(noisy, sigmas, strict=True):
        denoised.append(run(denoiser, y, sigma, device))
        y = torch.from_numpy(y)[None, None].to(device)
        try:
            rows = [
                adaptive_filter(lambda z, s=sigma: denoiser(z, s / 255), y, *pixel).cpu().numpy()
                for pixel in pixels
            ]
            defects.append(filter_defect(lambda z, s=sigma: denoiser(z, s / 255), y))
        except (NormeqError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            if denoiser.variant != OTHER:
                raise
            line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise NormeqError(
                f"denoiser {denoiser.network}: PyTorch cannot differentiate it ({line})"
            ) from None
        sums.append([row.sum(dtype=np.float64) for row in rows])
        padded = [np.pad(row, radius) for row in rows]
        side = 2 * radius + 1
        windows.append([p[r : r + side, c : c + side] for p, (r, c) in zip(padded, pixels, strict=True)])
    return {
        "meta": np.array(_meta(denoiser, image, crop)),
        "clean": clean,
        "sigmas": np.array(sigmas, dtype=float),
        "noisy": np.stack(noisy),
        "denoised": np.stack(denoised),
        "psnr": np.array([psnr(x, clean) for x in denoised]),
        "psnr_in": np.array([psnr(y, clean, clip=False) for y in noisy]),
        "pixels": np.array(pixels),
        "filters": np.array(windows),
        "sums": np.array(sums),
        "defect": np.array(defects),
    }


def left_out(denoiser: Denoiser, image: str, crop: Crop, why: str) -> dict[str, np.ndarray]:
    """A part that stands for pictures which cannot be made: ``meta`` alone, which says ``why``."""
    dataset, _, name = image.rpartition("/")
    return {
        "meta": np.array(
            describe(denoiser, dataset=dataset, image=name, crop=list(crop), left_out=" ".join(why.split()))
        )
    }
