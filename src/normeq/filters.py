"""Adaptive filters: which pixels a denoiser averages to make one output pixel."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def adaptive_filter(denoise: Callable[[Tensor], Tensor], y: Tensor, row: int, column: int) -> Tensor:
    """Row of the Jacobian of ``denoise`` at ``y`` that belongs to one output pixel.

    Where f is differentiable, an f equivariant to scale equals its linearisation, f(y) = J(y) y, and one
    equivariant to shifts as well has J(y) 1 = 1: every output pixel is an affine combination of input
    pixels, with weights that sum to 1.

    Args:
        denoise: differentiable, (1, 1, H, W) to (1, 1, H, W).
        y: noisy image, (1, 1, H, W).
        row, column: output pixel.

    Returns:
        (H, W) tensor of ∂f(y)[row, column] / ∂y.

    Source: Mohan et al. 2020, section 4; Herbreteau et al. 2023, section 5.
    """
    y = y.detach().requires_grad_(True)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(denoise(y)[0, 0, row, column], y)
    return gradient[0, 0]
