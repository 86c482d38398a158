"""Adaptive filters: which pixels a denoiser averages to make one output pixel, and what that leaves out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import forward_ad

from normeq.errors import NormeqError


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
        output = denoise(y.clone())  # some work in place
        (gradient,) = torch.autograd.grad(output[0, 0, row, column], y)
    return gradient[0, 0]


def filter_defect(denoise: Callable[[Tensor], Tensor], y: Tensor) -> float:
    """‖f(y) - J(y) y‖₂ / ‖f(y)‖₂: what the adaptive filters leave unexplained.

    Rounding for an f equivariant to scale (Euler's relation), where it is differentiable; of the size of what
    its biases add for an ordinary network. J(y) y is one forward-mode derivative, no row of J is formed.

    Args:
        denoise: made of operations that PyTorch can differentiate forwards; images to images.
        y: noisy images.

    Raises:
        NormeqError: there is no forward-mode derivative, or the output does not come from y. Errors of the
            denoiser itself pass through.

    Source: Saied & Fleuret 2026, section 4.5 and figure 5.
    """
    y = y.detach()
    denoise(y.clone())  # an error of its own shows here, as what it is; some work in place
    with forward_ad.dual_level():
        try:
            output, linear = forward_ad.unpack_dual(denoise(forward_ad.make_dual(y.clone(), y.clone())))
        except NotImplementedError as error:  # PyTorch's word for an operation without a forward derivative
            line = " ".join(str(error).split())[:200]
            raise NormeqError(f"the denoiser has no forward-mode derivative: {line}") from None
    if linear is None:
        raise NormeqError(
            "the denoiser has no forward-mode derivative: its output is cut off from y (detach, NumPy)"
        )
    difference, size = (output - linear).double().norm(), output.double().norm()
    return (difference / size).item()
