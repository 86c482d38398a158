"""Is a denoiser equivariant? Measured defects for any callable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

TAU = 1e-6  # as in the published metric


@dataclass(frozen=True)
class Defect:
    """How far f(λy + μ) is from λf(y) + μ.

    Attributes:
        scale, shift: λ > 0 and μ.
        relative: ‖f(λy + μ) - (λf(y) + μ)‖₂ / (‖λf(y) + μ‖₂ + 1e-6), the metric of Saied & Fleuret 2026,
            appendix E.
        absolute: largest absolute difference, in the units of y.
        normalised: largest absolute difference divided by λ, so in the units of y before the change of
            range. The strictest of the three where λ is small against μ.
    """

    scale: float
    shift: float
    relative: float
    absolute: float
    normalised: float


@torch.no_grad()
def defect(
    denoise: Callable[..., Tensor],
    y: Tensor,
    scale: float = 1.0,
    shift: float = 0.0,
    sigma: float | None = None,
    unit: float = 1.0,
    here: Tensor | None = None,
) -> Defect:
    """Measure the defect of one affine change of range. The denoiser gets copies, and may work in place.

    Args:
        denoise: any callable from images to images, ``f(y)``, or ``f(y, sigma)`` where ``sigma`` is given.
        y: images, any shape that ``denoise`` takes.
        scale: λ > 0.
        shift: μ, in the units of y.
        sigma: noise level in the units of y for denoisers with a noise map; scaled by λ alike, f(λy + μ, λσ)
            = λf(y, σ) + μ.
        unit: size of λy + μ, a power of two: the 10⁻⁶ of ``relative`` are in this unit. 1 for images in
            [0, 1], and for the published metric.
        here: f(y), where it is known already.

    Raises:
        ValueError: λ ≤ 0.
    """
    if not scale > 0:
        raise ValueError(f"scale must be positive, got {scale}")
    level = () if sigma is None else (sigma,)
    there = denoise(scale * y + shift, *(scale * one for one in level))
    here = denoise(y.clone(), *level) if here is None else here
    expected = scale * here + shift
    difference = (there - expected).double()
    absolute = difference.abs().max().item()
    return Defect(
        scale=scale,
        shift=shift,
        relative=((difference / unit).norm() / ((expected.double() / unit).norm() + TAU)).item(),
        absolute=absolute,
        normalised=absolute / scale,
    )
