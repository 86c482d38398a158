"""What the choice of a range does to a 16-bit image with an offset, as arrays for the figure.

The image is made from a photograph: a stand-in for a dim microscopy image, whose right answer is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from normeq.suite.config.settings import Option, Settings
from normeq.suite.measuring.pictures import Crop, cut, meta, noisy_versions, surroundings
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import CropSetting, ImageName, Sigma, check_crop

if TYPE_CHECKING:
    import numpy as np
    import torch

    from normeq.denoisers.open import Denoiser

LARGEST = 65535
PERCENTILES = (0.1, 99.9)


class Microscopy(Settings):
    """A 16-bit image with an offset and a small range, denoised as if black and white were what people take
    for them: the range of the type, that of 12 bits, lowest and highest value, percentiles, and the truth."""

    image: ImageName
    crop: CropSetting
    sigma: Annotated[Sigma, Option("--sigma", 25.0)]
    offset: Annotated[int, Field(ge=0, le=LARGEST, description="Value of black.")] = 400
    span: Annotated[int, Field(ge=2, le=LARGEST, description="White less black.")] = 600

    def check(self, fail: Callable[[str, str], None]) -> None:
        check_crop(self.crop, fail)
        if self.offset + 2 * self.span > LARGEST:
            fail("span", f"{self.span}: noisy white must fit into 16 bits; take an offset or a span less")


MEASUREMENT = Measurement("microscopy", Microscopy, of="first")


NAMES = ("all 16 bits", "12 bits", "min to max", "percentiles", "the truth")


def ranges_taken(counts: np.ndarray, offset: int, span: int) -> list[tuple[float, float]]:
    """Black and white as people take them for a 16-bit image, in the order of :data:`NAMES`."""
    import numpy as np

    low, high = np.percentile(counts, PERCENTILES)
    return [
        (0.0, float(LARGEST)),
        (0.0, 4095.0),
        (float(counts.min()), float(counts.max())),
        (float(low), float(high)),
        (float(offset), float(offset + span)),
    ]


def evaluate(
    denoiser: Denoiser,
    image: str,
    crop: Crop,
    sigma: float,
    offset: int,
    span: int,
    *,
    data_dir: str | Path,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Denoise the 16-bit image with every choice of black and white, as ``normeq.denoise(counts, range=…)``
    does, rounded to whole counts again.

    Args:
        image, crop: as in :func:`normeq.suite.measurements.examples.evaluate`.
        sigma: noise level in 8-bit units of the photograph, on [0,1].
        offset, span: counts of black, and of white less black.

    Returns:
        ``meta`` (JSON), ``clean`` and ``noisy`` (H, W) on [0,1], ``sigma`` (), ``psnr_in`` (), ``ranges``
        (R, 2) in counts, in the order of :data:`NAMES`, ``counts`` (2,): offset and span, ``denoised``
        (R, H, W) back on [0,1], ``psnr`` (R,) of the crop in dB.
    """
    import numpy as np

    from normeq.equivariance.ranges import in_range
    from normeq.imaging.metrics import psnr
    from normeq.suite.measuring.batches import run

    file, clean, (noisy,) = noisy_versions(image, [sigma], data_dir)
    counts = np.clip(np.rint(offset + span * noisy), 0, LARGEST)
    ranges = ranges_taken(counts, offset, span)
    stored = (counts - offset) / span  # what the file has, on the photograph's own range
    shown, shown_noisy = cut(clean, crop, image), cut(stored, crop, image)
    given, inside = surroundings(denoiser, stored.astype(np.float32), crop)
    denoised = []
    for black, white in ranges:
        scale, shift = span / (white - black), (offset - black) / (white - black)
        there = replace(denoiser, function=in_range(denoiser.function, scale, shift))
        output = cut(run(there, given, sigma, device), inside, image)
        rounded = np.clip(np.rint(offset + span * output.astype(np.float64)), 0, LARGEST)
        denoised.append((rounded - offset) / span)
    return {
        "meta": np.array(meta(denoiser, file, crop)),
        "clean": shown,
        "noisy": shown_noisy,
        "sigma": np.array(float(sigma)),
        "psnr_in": np.array(psnr(shown_noisy, shown, clip=False)),
        "ranges": np.array(ranges),
        "counts": np.array([offset, span], dtype=float),
        "denoised": np.stack(denoised),
        "psnr": np.array([psnr(picture, shown) for picture in denoised]),
    }
