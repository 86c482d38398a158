"""Adaptive filters at some pixels of one image crop, as arrays for the figure and the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from normeq.errors import NormeqError, is_out_of_memory
from normeq.suite.config.settings import Option, Settings
from normeq.suite.measuring.pictures import Crop, cut, meta, noisy_versions
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import CropSetting, ImageName, Sigmas, check_crop

if TYPE_CHECKING:
    import numpy as np
    import torch

    from normeq.denoisers.open import Denoiser


class Filters(Settings):
    """Adaptive filters (rows of the Jacobian) at chosen pixels of one crop."""

    image: ImageName
    crop: CropSetting
    sigmas: Sigmas
    pixels: Annotated[
        list[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]],
        Field(min_length=1, description="Pixels [row, column] of the crop."),
        Option("--pixel"),
    ]
    radius: Annotated[int, Field(ge=1, description="Pixels shown on each side of the centre.")] = 10

    def check(self, fail: Callable[[str, str], None]) -> None:
        check_crop(self.crop, fail)
        side = self.crop.size
        for number, (row, column) in enumerate(self.pixels):
            if max(row, column) >= side:
                fail(f"pixels[{number}]", f"[{row}, {column}] is outside the crop of {side} pixels")


MEASUREMENT = Measurement("filters", Filters, of="first", derivatives=True, revision=2)


def evaluate(
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
    import numpy as np
    import torch

    from normeq.denoisers.open import OTHER
    from normeq.equivariance.filters import adaptive_filter, filter_defect
    from normeq.imaging.metrics import psnr
    from normeq.suite.measuring.batches import run

    if not denoiser.differentiable:
        raise NormeqError(
            f"denoiser {denoiser.network}: adaptive filters need a PyTorch module, not a plain function"
        )
    for row, column in pixels:
        if not (0 <= row < crop.size and 0 <= column < crop.size):
            raise NormeqError(
                f"pixel ({row}, {column}) lies outside the crop of {crop.size}×{crop.size} pixels"
            )
    file, clean, noisy = noisy_versions(image, sigmas, data_dir)
    clean, noisy = cut(clean, crop, image), [cut(y, crop, image) for y in noisy]
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
        except NormeqError:
            raise
        except Exception as error:
            if denoiser.variant != OTHER or is_out_of_memory(error):
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
        "meta": np.array(meta(denoiser, file, crop)),
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
