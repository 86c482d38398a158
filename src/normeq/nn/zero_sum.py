"""Convolutions whose kernels sum to 0: blind to a shift of their input.

With sum(k) = 0, k * (λx + μ) = λ (k * x). They are the first layer of the ``invariant`` variant, whose
networks give y - g(y): where g is blind to shifts and equivariant to scale, y - g(y) is
normalization-equivariant, and every such map has this form (docs/method.md).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.constrained import ConstrainedConv


def zero_sum_kernel(weight: Tensor, free_channels: int = 0) -> Tensor:
    """Map unconstrained weights to kernels that sum to 0 over the taps of each input channel.

    In colour this is more than a sum of 0 over all: each channel may be shifted by its own amount.

    Args:
        weight: raw weights, shape (C_out, C_in, k_1, …, k_n), n ≥ 1, any values.
        free_channels: number of trailing input channels left out of the constraint (the noise map, which
            does not shift with the image).

    Returns:
        w - mean(w), the orthogonal projection; of the same shape.
    """
    bound = weight.shape[1] - free_channels
    taps = tuple(range(2, weight.ndim))
    kernel = weight[:, :bound] - weight[:, :bound].mean(dim=taps, keepdim=True)
    return torch.cat([kernel, weight[:, bound:]], dim=1) if free_channels else kernel


class ZeroSumConv(ConstrainedConv):
    """Convolution without bias whose kernels sum to 0, see :func:`zero_sum_kernel`.

    Takes any range and size. The border is mirrored, repeated or continued from the other side: with zeros
    beyond it, a shift would show there.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups: as in
            :class:`normeq.nn.constrained.ConstrainedConv`.
        bias, padding_mode, device, dtype, free_channels, sorted_input, sorted_output: as there.

    Raises:
        NormeqError: what :class:`normeq.nn.constrained.ConstrainedConv` refuses; a kernel of one tap, which
            could only be 0.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if math.prod(self.kernel_size) == 1:
            raise NormeqError(
                f"{type(self).__name__}: a kernel of one tap that sums to 0 is 0: take a larger one"
            )

    def constrain(self, weight: Tensor) -> Tensor:
        return zero_sum_kernel(weight, self.free_channels)


class ZeroSumConv1d(ZeroSumConv, nn.Conv1d):
    """:class:`ZeroSumConv` of signals, (N, C_in, L) or (C_in, L)."""


class ZeroSumConv2d(ZeroSumConv, nn.Conv2d):
    """:class:`ZeroSumConv` of images, (N, C_in, H, W) or (C_in, H, W)."""


class ZeroSumConv3d(ZeroSumConv, nn.Conv3d):
    """:class:`ZeroSumConv` of volumes, (N, C_in, D, H, W) or (C_in, D, H, W)."""
