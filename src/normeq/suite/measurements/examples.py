"""Denoised examples of one image crop, as arrays for the figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from normeq.suite.config.settings import Settings
from normeq.suite.measuring.pictures import Crop, cut, meta, noisy_versions, surroundings
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import CropSetting, ImageName, Sigmas, check_crop

if TYPE_CHECKING:
    import numpy as np
    import torch

    from normeq.denoisers.open import Denoiser


class Examples(Settings):
    """A crop denoised by every network, side by side."""

    image: ImageName
    crop: CropSetting
    sigmas: Sigmas

    def check(self, fail: Callable[[str, str], None]) -> None:
        check_crop(self.crop, fail)


MEASUREMENT = Measurement("examples", Examples, of="first")


def evaluate(
    denoiser: Denoiser,
    image: str,
    crop: Crop,
    sigmas: Sequence[float],
    *,
    data_dir: str | Path,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Denoise an image at every σ and keep the crop that a figure shows, as it is in the whole.

    Args:
        image: ``dataset/name``, such as ``set12/07``.
        crop: what to show; PSNR is that of the crop.
        sigmas: 8-bit units.

    Returns:
        ``meta`` (JSON), ``clean`` (H, W), ``sigmas`` (S,), ``noisy`` and ``denoised`` (S, H, W), ``psnr``
        and ``psnr_in`` (S,).
    """
    import numpy as np

    from normeq.imaging.metrics import psnr
    from normeq.suite.measuring.batches import run

    file, clean, noisy = noisy_versions(image, sigmas, data_dir)
    shown = cut(clean, crop, image)
    shown_noisy = [cut(y, crop, image) for y in noisy]
    denoised = []
    for y, sigma in zip(noisy, sigmas, strict=True):
        given, inside = surroundings(denoiser, y, crop)
        denoised.append(cut(run(denoiser, given, sigma, device, nominal=True), inside, image))
    return {
        "meta": np.array(meta(denoiser, file, crop)),
        "clean": shown,
        "sigmas": np.array(sigmas, dtype=float),
        "noisy": np.stack(shown_noisy),
        "denoised": np.stack(denoised),
        "psnr": np.array([psnr(x, shown) for x in denoised]),
        "psnr_in": np.array([psnr(y, shown, clip=False) for y in shown_noisy]),
    }
