"""Convolutions whose kernels sum to 0: blind to a shift of their input.

With sum(k) = 0, k * (λx + μ) = λ (k * x). They are the first layer of the ``invariant`` variant, whose
networks give y - g(y): where g is blind to shifts and equivariant to scale, y - g(y) is
normalization-equivariant, and every such map has this form (docs/method.md).
"""

from __future__ import annotations

import torch
from torch import Tensor

from normeq.nn.affine import ConstrainedConv2d
from normeq.nn.rotation import mirror


def zero_sum_kernel(weight: Tensor, free_channels: int = 0) -> Tensor:
    """Map unconstrained weights to kernels that sum to 0 over the taps of each input channel.

    In colour this is more than a sum of 0 over all: each channel may be shifted by its own amount.

    Args:
        weight: raw weights, shape (C_out, C_in, k_h, k_w), any values.
        free_channels: number of trailing input channels left out of the constraint (the noise map, which
            does not shift with the image).

    Returns:
        w - mean(w), the orthogonal projection; of the same shape.
    """
    bound = weight.shape[1] - free_channels
    kernel = weight[:, :bound] - weight[:, :bound].mean(dim=(2, 3), keepdim=True)
    return torch.cat([kernel, weight[:, bound:]], dim=1) if free_channels else kernel


class ZeroSumConv2d(ConstrainedConv2d):
    """2-D convolution without bias whose kernels sum to 0, see :func:`zero_sum_kernel`.

    Takes (N, C_in, H, W) in any range, H and W at least 1. The border is mirrored: with zeros beyond it, a
    shift would show there.
    """

    border = staticmethod(mirror)

    def constrain(self, weight: Tensor) -> Tensor:
        return zero_sum_kernel(weight, self.free_channels)
