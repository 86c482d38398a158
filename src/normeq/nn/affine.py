"""Affine convolution: the weights of every output kernel sum to 1.

Such a layer computes affine combinations of its inputs, so a shift of the input shifts the output alike:
with sum(k) = 1, k * (λx + μ) = λ (k * x) + μ (Herbreteau et al., NeurIPS 2023, section 3.2).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.nn.rotation import mirror, rotate_input, rotate_output

Constraint = Literal["telescope", "mean", "neighbours"]


def affine_kernel(weight: Tensor, constraint: Constraint = "telescope", free_channels: int = 0) -> Tensor:
    """Map unconstrained weights to kernels that sum to 1 over their input taps.

    Args:
        weight: raw weights, shape (C_out, C_in, k_h, k_w), any values.
        constraint: ``telescope`` is the paper's map, w̃_i = w_{i-1} - w_i + 1/K over the K flattened taps;
            ``mean`` is the orthogonal projection w̃ = w - mean(w) + 1/K onto the same affine space;
            ``neighbours`` is ``telescope`` (:class:`AffineConv2d` numbers its channels otherwise).
        free_channels: number of trailing input channels left out of the constraint (the noise map, whose
            values scale with the image but do not shift with it).

    Returns:
        Kernels of the same shape; over the constrained channels each output kernel sums to 1.

    Raises:
        ValueError: unknown constraint.
    """
    bound = weight.shape[1] - free_channels
    taps = weight[:, :bound].flatten(1)
    if constraint in ("telescope", "neighbours"):
        taps = taps.roll(1, dims=1) - taps
    elif constraint == "mean":
        taps = taps - taps.mean(dim=1, keepdim=True)
    else:
        raise ValueError(f"constraint must be telescope, mean or neighbours, not {constraint!r}")
    kernel = (taps + 1.0 / taps.shape[1]).view_as(weight[:, :bound])
    return torch.cat([kernel, weight[:, bound:]], dim=1) if free_channels else kernel


class ConstrainedConv2d(nn.Conv2d):
    """2-D convolution without bias whose kernels are made from unconstrained weights at every call.

    Takes (N, C_in, H, W) and gives (N, C_out, H', W'). Parameters are those of :class:`torch.nn.Conv2d`; the
    stored ``weight`` is unconstrained, and :meth:`constrain` maps it. Padding, by at most one pixel, is
    reflective, because zeros would break the equivariance to shifts at the border.

    Args:
        in_channels, out_channels, kernel_size, stride, padding: as in :class:`torch.nn.Conv2d`.
        free_channels: trailing input channels outside the constraint (noise map).
        sorted_input: the input comes from a :class:`normeq.nn.rotation.RotatedSortPool`, which has padded it.
        sorted_output: the output goes to one.
    """

    border = staticmethod(mirror)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        free_channels: int = 0,
        sorted_input: bool = False,
        sorted_output: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, bias=False, padding_mode="reflect"
        )
        if self.padding[0] > 1:
            raise ValueError(f"padding must be 0 or 1, not {padding}")
        self.free_channels = free_channels
        self.sorted_input = sorted_input
        self.sorted_output = sorted_output

    def constrain(self, weight: Tensor) -> Tensor:
        """Kernels of the same shape that obey the constraint."""
        raise NotImplementedError

    @property
    def kernel(self) -> Tensor:
        """The constrained kernels, shape (C_out, C_in, k, k) (in the basis of the paper).

        Of weights in half precision they are worked out, and given, in float32: sums of hundreds of halves
        are far from what they should be.
        """
        narrow = self.weight.dtype in (torch.float16, torch.bfloat16)
        return self.constrain(self.weight.float() if narrow else self.weight)

    @property
    def applied_kernel(self) -> Tensor:
        """The kernels as they are convolved: :attr:`kernel`, rotated on the sides that meet a sort
        pooling; in the format of the weights."""
        kernel = self.kernel
        if self.sorted_input:
            kernel = rotate_input(kernel)
        kernel = rotate_output(kernel) if self.sorted_output else kernel
        return kernel.to(self.weight.dtype)

    def forward(self, x: Tensor) -> Tensor:
        if self.padding[0] and not self.sorted_input:
            x = self.border(x)
        # Channels last is what fast convolutions take; parameters are stored so, but the maps above lose it.
        kernel = self.applied_kernel.contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, kernel, None, self.stride)


class AffineConv2d(ConstrainedConv2d):
    """2-D convolution without bias whose output kernels each sum to 1, see :func:`affine_kernel`.

    Next to a sort pooling the kernel is applied in the rotated basis of :mod:`normeq.nn.rotation`: the
    weights, and what the pair of convolutions computes, stay the same.

    Args:
        constraint: see :func:`affine_kernel`. With ``neighbours`` the channels of ``weight`` are numbered as
            in the authors' code, where sort pooling pairs (2k, 2k + 1): the telescoping sum runs in that
            order, and the kernel is brought into ours afterwards. It is for weights trained there.
        in_channels, out_channels, kernel_size, stride, padding, free_channels, sorted_input, sorted_output:
            as in :class:`ConstrainedConv2d`.

    Source: Herbreteau et al. 2023, section 4.1; literature notes 1.4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        constraint: Constraint = "telescope",
        free_channels: int = 0,
        sorted_input: bool = False,
        sorted_output: bool = False,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            free_channels=free_channels,
            sorted_input=sorted_input,
            sorted_output=sorted_output,
        )
        self.constraint: Constraint = constraint

    def constrain(self, weight: Tensor) -> Tensor:
        kernel = affine_kernel(weight, self.constraint, self.free_channels)
        if self.constraint == "neighbours":
            if self.sorted_input:
                kernel = torch.cat((kernel[:, 0::2], kernel[:, 1::2]), dim=1)
            if self.sorted_output:
                kernel = torch.cat((kernel[0::2], kernel[1::2]))
        return kernel


class PixelShuffleUp(nn.Sequential):
    """Affine 1×1 convolution to 4·C channels, then pixel shuffle: doubles height and width."""

    def __init__(self, in_channels: int, out_channels: int, constraint: Constraint) -> None:
        super().__init__(
            AffineConv2d(in_channels, 4 * out_channels, 1, constraint=constraint), nn.PixelShuffle(2)
        )
