"""Sort pooling in a rotated basis, where it costs no more than ReLU.

For a pair (a, b) put s = (a + b)/√2 and d = (a - b)/√2. Then min = (s - |d|)/√2 and max = (s + |d|)/√2: in
the basis (s, d) sort pooling is the identity on s and -|·| on d. A shift of the input touches s alone, and a
difference d cannot feel it, which is also the shortest proof that sort pooling is equivariant. The rotation,
its inverse and the sign are linear and move into the kernels before and after, so a layer becomes a
convolution with an activation on half of its channels.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn


def _sum_and_difference(a: Tensor, b: Tensor, dim: int) -> Tensor:
    return torch.cat((a + b, a - b), dim=dim) * math.sqrt(0.5)


def rotate_output(kernel: Tensor) -> Tensor:
    """Kernel (C_out, …) whose output pairs (k, k + C_out/2) come out as (s, d)."""
    a, b = kernel.chunk(2, dim=0)
    return _sum_and_difference(a, b, dim=0)


def rotate_input(kernel: Tensor) -> Tensor:
    """Kernel (C_out, C_in, …) that takes (s, |d|) where the original takes the sorted pairs (min, max)."""
    low, high = kernel.chunk(2, dim=1)
    return _sum_and_difference(
        high, low, dim=1
    )  # low·min + high·max = (low + high) s/√2 + (high - low) |d|/√2


class _AbsSecondHalf(torch.autograd.Function):
    """x[:, C/2:] becomes its absolute value, in place; the gradient needs the signs of that half only."""

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        difference = x[:, x.shape[1] // 2 :]
        sign = difference.sign()
        difference.abs_()
        return x, sign

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        (x,) = inputs
        ctx.mark_dirty(x)
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])
        ctx.save_for_forward(output[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor | None) -> Tensor:
        (sign,) = ctx.saved_tensors
        gradient = gradient.clone()
        gradient[:, gradient.shape[1] // 2 :].mul_(sign)
        return gradient

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> tuple[Tensor, None]:
        (sign,) = ctx.saved_tensors
        tangent[:, tangent.shape[1] // 2 :].mul_(sign)
        return tangent, None


class RotatedSortPool(nn.Module):
    """Sort pooling on rotated pairs: (s, d) becomes (s, |d|), in place.

    Stands between a convolution rotated by :func:`rotate_output` and one rotated by :func:`rotate_input`,
    which together compute what they would around :class:`normeq.nn.sort.SortPool`. Shape (N, C, H, W), C
    even.
    """

    def forward(self, x: Tensor) -> Tensor:
        half = x.shape[1] // 2
        if torch.compiler.is_compiling():  # plain operations, for the compiler to fuse
            return torch.cat((x[:, :half], x[:, half:].abs()), dim=1)
        if not torch.is_grad_enabled():  # no signs to keep
            x[:, half:].abs_()
            return x
        return _AbsSecondHalf.apply(x)[0]
