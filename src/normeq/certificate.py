"""Is this denoiser equivariant to changes of range? Defects over a grid of (λ, μ), in several arithmetics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from normeq.arithmetic import Arithmetic, computing_in
from normeq.data.listing import image_file
from normeq.equivariance import Defect, defect
from normeq.errors import NormeqError
from normeq.evaluation.denoisers import Denoiser
from normeq.images import middle, read_gray
from normeq.noise import gaussian_noise

COLUMNS = (
    "denoiser,variant,train_sigma,kind,scale,shift,dtype,device,image,relative,normalised,absolute,sigma,seed,weights,error"
).split(",")
SCALES = (0.001, 0.1, 2.0, 40.0, 255.0)
SHIFTS = (-1.0, -0.25, 0.5, 10.0)
AUTHORS_SCALE, AUTHORS_SHIFT = 40.0, 10.0  # the check in the authors' notebook, part of every grid
PUBLISHED_DRAWS = 8
NOT_ITS_FAULT = (NormeqError, MemoryError, torch.OutOfMemoryError)


@dataclass(frozen=True)
class Change:
    """A change of range y ↦ λy + μ and why it is looked at.

    Attributes:
        kind: ``repeat`` (λ = 1, μ = 0: does the same input give the same output), ``scale`` (μ = 0),
            ``shift`` (λ = 1), ``joint``, or ``published`` (a draw of the published metric, joint as well).
        scale, shift: λ > 0 and μ; μ in units of the nominal range [0,1].
    """

    kind: str
    scale: float
    shift: float


def changes(scales: Iterable[float] = SCALES, shifts: Iterable[float] = SHIFTS) -> list[Change]:
    """The grid: each λ, each μ, each pair, and the draws of the published metric.

    The published metric is the mean of the relative defect over λ ∼ U(0.5, 1.5), μ ∼ U(-0.25, 0.25), 8 draws
    per noisy image (Saied & Fleuret 2026, appendix E). Here the 8 draws are the same for every image and
    denoiser. The authors' λ = 40 and μ = 10 are always in.

    Raises:
        NormeqError: λ is not a finite positive number other than 1, or μ not a finite number other than 0.
    """
    for scale in scales:
        if not (0 < scale < math.inf) or scale == 1:
            raise NormeqError(f"a scale must be a positive number other than 1, got {scale:g}")
    for shift in shifts:
        if not math.isfinite(shift) or shift == 0:
            raise NormeqError(f"a shift must be a finite number other than 0, got {shift:g}")
    scales, shifts = sorted({*scales, AUTHORS_SCALE}), sorted({*shifts, AUTHORS_SHIFT})
    random = np.random.default_rng(0)
    draws = [(random.uniform(0.5, 1.5), random.uniform(-0.25, 0.25)) for _ in range(PUBLISHED_DRAWS)]
    return [
        Change("repeat", 1.0, 0.0),
        *(Change("scale", scale, 0.0) for scale in scales),
        *(Change("shift", 1.0, shift) for shift in shifts),
        *(Change("joint", scale, shift) for scale in scales for shift in shifts),
        *(Change("published", scale, shift) for scale, shift in draws),
    ]


def noisy_image(image: str, sigma: float, size: int, data_dir: str | Path = "data") -> np.ndarray:
    """The middle of one noisy image as the other measurements see it (draw 0, not clipped).

    Args:
        image: ``dataset/name``.
        sigma: 8-bit units.
        size: side in pixels; 0, or more than the image has, keeps all.

    Returns:
        (H, W) float32, nominal range [0,1].
    """
    dataset, _, name = image.rpartition("/")
    clean = read_gray(image_file(image, data_dir))
    return middle(clean + gaussian_noise(clean.shape, sigma, dataset, name, 0), size)


def certify(
    denoiser: Denoiser, noisy: np.ndarray, image: str, sigma: float, arithmetic: Arithmetic,
    grid: Sequence[Change], device: torch.device,
) -> Iterator[dict[str, object]]:  # fmt: skip
    """Yield one row per change of range, with the keys of :data:`COLUMNS`.

    The denoiser gets λσ with λy + μ. A change that it refuses, or answers with numbers that are not finite,
    has no defect but an ``error``. No rows at all where it cannot compute in ``arithmetic``.

    Args:
        denoiser: what is certified.
        noisy: (H, W), nominal range [0,1].
        image: label of the rows.
        sigma: noise level in 8-bit units.
        arithmetic, device: what it computes in, and where.
        grid: see :func:`changes`.

    Raises:
        NormeqError: the denoiser cannot even denoise the image as it is.
    """
    y = torch.from_numpy(noisy)[None, None].to(device)
    try:
        function = computing_in(arithmetic, denoiser, y)
        if function is None:
            return
        y = y.to(arithmetic.images)
        here = function(y, sigma / 255)
    except NOT_ITS_FAULT:
        raise
    except Exception as error:
        raise NormeqError(
            f"denoiser {denoiser.network}: fails on {image} as it is ({_line(error)})"
        ) from None

    def denoise(images: Tensor, level: float) -> Tensor:
        return here if images is y else function(images, level)

    for change in grid:
        found, error = _measure(denoise, y, change, sigma / 255)
        yield {
            "denoiser": denoiser.network,
            "variant": denoiser.variant,
            "train_sigma": denoiser.train_sigma,
            "kind": change.kind,
            "scale": f"{change.scale:.10g}",
            "shift": f"{change.shift:.10g}",
            "dtype": arithmetic.name,
            "device": device.type,
            "image": image,
            "relative": f"{found.relative:.6e}" if found else "",
            "normalised": f"{found.normalised:.6e}" if found else "",
            "absolute": f"{found.absolute:.6e}" if found else "",
            "sigma": f"{sigma:g}",
            "seed": denoiser.seed,
            "weights": denoiser.weights,
            "error": error,
        }


def _measure(
    denoise: Callable[[Tensor, float], Tensor], y: Tensor, change: Change, sigma: float
) -> tuple[Defect | None, str]:
    try:
        found = defect(denoise, y, change.scale, change.shift, sigma)
    except NOT_ITS_FAULT:
        raise
    except Exception as error:  # whatever a user's function raises
        return None, _line(error)
    if not math.isfinite(found.relative):
        return None, "output is not finite"
    return found, ""


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
