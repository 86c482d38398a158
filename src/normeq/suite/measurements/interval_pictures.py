"""One image crop denoised on every interval [a,b], as arrays for the figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from normeq.suite.config.settings import Option, Settings
from normeq.suite.measuring.pictures import Crop, cut, meta, noisy_versions, surroundings
from normeq.suite.measuring.presented import Normalise, presented
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import (
    CropSetting,
    ImageName,
    Intervals,
    Sigma,
    check_crop,
    check_intervals,
)
from normeq.suite.results.normalise import MINMAX, NOMINAL

if TYPE_CHECKING:
    import numpy as np
    import torch

    from normeq.denoisers.open import Denoiser


class IntervalPictures(Settings):
    """A crop denoised on every interval [a,b] by every network, side by side."""

    image: ImageName
    crop: CropSetting
    sigma: Annotated[Sigma, Option("--sigma", 25.0)]
    intervals: Intervals
    normalise: Normalise = NOMINAL

    def check(self, fail: Callable[[str, str], None]) -> None:
        check_crop(self.crop, fail)
        check_intervals(self.intervals, fail)


MEASUREMENT = Measurement("interval_pictures", IntervalPictures, of="each", unkeyed=(("normalise", NOMINAL),))


def evaluate(
    denoiser: Denoiser,
    image: str,
    crop: Crop,
    sigma: float,
    intervals: Sequence[tuple[float, float]],
    normalise: str = NOMINAL,
    *,
    data_dir: str | Path,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Denoise an image on every interval [a,b] and keep the crop that a figure shows, as it is in the whole.

    Args:
        image, crop: as in :func:`examples`.
        sigma: 8-bit units, on [0,1].
        intervals: pairs (a, b), a < b.
        normalise: what goes to a and b, ``nominal`` or ``minmax`` (:func:`presented`).

    Returns:
        ``meta`` (JSON), ``clean`` and ``noisy`` (H, W), ``sigma`` (), ``psnr_in`` (), ``intervals`` (I, 2),
        ``denoised`` (I, H, W) back on [0,1], ``psnr`` (I,).
    """
    import numpy as np

    from normeq.imaging.metrics import psnr
    from normeq.suite.measuring.batches import run

    file, clean, (noisy,) = noisy_versions(image, [sigma], data_dir)
    shown, shown_noisy = cut(clean, crop, image), cut(noisy, crop, image)
    moved = [presented(denoiser, b - a, a, normalise) for a, b in intervals]
    # Lowest and highest value are those of the whole.
    given, inside = (noisy, crop) if normalise == MINMAX else surroundings(denoiser, noisy, crop)
    denoised = [cut(run(there, given, sigma, device), inside, image) for there, _ in moved]
    said = {"normalise": normalise} if normalise == MINMAX else {}
    return {
        "meta": np.array(meta(denoiser, file, crop, **said)),
        "clean": shown,
        "noisy": shown_noisy,
        "sigma": np.array(float(sigma)),
        "psnr_in": np.array(psnr(shown_noisy, shown, clip=False)),
        "intervals": np.array(intervals, dtype=float),
        "denoised": np.stack(denoised),
        "psnr": np.array([psnr(x, shown) for x in denoised]),
    }
