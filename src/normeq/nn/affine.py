"""Affine convolution: the weights of every output kernel sum to 1.

Such a layer computes affine combinations of its inputs, so a shift of the input shifts the output alike:
with sum(k) = 1, k * (λx + μ) = λ (k * x) + μ (Herbreteau et al., NeurIPS 2023, section 3.2).
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.constrained import ConstrainedConv

Constraint = Literal["telescope", "mean", "centre", "neighbours"]
CONSTRAINTS: tuple[str, ...] = get_args(Constraint)


def affine_kernel(weight: Tensor, constraint: Constraint = "telescope", free_channels: int = 0) -> Tensor:
    """Map unconstrained weights to kernels that sum to 1 over their input taps.

    Args:
        weight: raw weights, shape (C_out, C_in, k_1, …, k_n), n ≥ 0, any values; with groups C_in is that of
            one group.
        constraint: ``telescope`` is the paper's map, w̃_i = w_{i-1} - w_i + 1/K over the K flattened taps;
            ``mean`` is the orthogonal projection w̃ = w - mean(w) + 1/K onto the same affine space;
            ``centre`` leaves all weights as they are but the central ones, which together are 1 minus the
            others: what is missing to a sum of 1 is added to the central tap of every input channel in equal
            parts (of one channel, its central weight *is* 1 minus the others; of kernels of one pixel, this
            is ``mean``);
            ``neighbours`` is ``telescope`` (:class:`AffineConv2d` numbers its channels otherwise).
        free_channels: number of trailing input channels left out of the constraint (the noise map, whose
            values scale with the image but do not shift with it).

    Returns:
        Kernels of the same shape; over the constrained channels each output kernel sums to 1.

    Raises:
        ValueError: unknown constraint.
        NormeqError: ``centre`` of a kernel that has no central tap.
    """
    bound = weight.shape[1] - free_channels
    held, free = weight[:, :bound], weight[:, bound:]
    if constraint != "mean":
        kernel = _by_taps(held, constraint)
    elif torch.compiler.is_compiling():  # plain operations, for the compiler to fuse
        kernel = _projected(held, 1.0)
    else:
        kernel = _Projection.apply(held, 1.0)
    return torch.cat([kernel, free], dim=1) if free_channels else kernel


def _projected(weight: Tensor, total: float) -> Tensor:
    """w - mean(w) + total/K, in the memory format of the weights: flattened they would be copied."""
    mean = weight.mean(dim=tuple(range(1, weight.ndim)), keepdim=True)
    return weight - (mean - total / weight[0].numel())


class _Projection(torch.autograd.Function):
    """:func:`_projected`; its derivative is the projection onto kernels that sum to 0."""

    generate_vmap_rule = True

    @staticmethod
    def forward(weight: Tensor, total: float) -> Tensor:
        return _projected(weight, total)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Projection.apply(gradient, 0.0), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return _Projection.apply(tangent, 0.0)


def _by_taps(weight: Tensor, constraint: Constraint) -> Tensor:
    """The other constraints, which ask for the order of the taps."""
    taps = weight.flatten(1)
    if constraint in ("telescope", "neighbours"):
        taps = taps.roll(1, dims=1) - taps + 1.0 / taps.shape[1]
    elif constraint == "centre":
        check_centre(weight.shape[2:])
        share = (1 - taps.sum(dim=1, keepdim=True)) / weight.shape[1]
        taps = taps + share * _central(taps, weight.shape[1])
    else:
        raise ValueError(f"constraint must be telescope, mean, centre or neighbours, not {constraint!r}")
    return taps.view_as(weight)


def check_centre(size: tuple[int, ...]) -> None:
    """Refuse a kernel without a central tap.

    Raises:
        NormeqError: an even side.
    """
    if any(side % 2 == 0 for side in size):
        raise NormeqError(
            f"constraint 'centre' needs odd kernels, and one is {'×'.join(map(str, size))}: "
            "choose telescope or mean"
        )


def _central(taps: Tensor, channels: int) -> Tensor:
    """1 at the central tap of each channel, else 0; flattened."""
    each = taps.shape[1] // channels
    one = torch.zeros(each, dtype=taps.dtype, device=taps.device)
    one[each // 2] = 1
    return one.repeat(channels)


class AffineConv(ConstrainedConv):
    """Convolution without bias whose output kernels each sum to 1, see :func:`affine_kernel`.

    Next to a sort pooling the kernel is applied in the rotated basis of :mod:`normeq.nn.rotation`: the
    weights, and what the pair of convolutions computes, stay the same.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups: as in
            :class:`normeq.nn.constrained.ConstrainedConv`.
        bias, padding_mode, device, dtype, free_channels, sorted_input, sorted_output: as there.
            With groups every kernel sums to 1 over the channels of its own group.
        constraint: see :func:`affine_kernel`. With ``neighbours`` the channels of ``weight`` are numbered as
            in the authors' code, where sort pooling pairs (2k, 2k + 1): the telescoping sum runs in that
            order, and the kernel is brought into ours afterwards. It is for weights trained there.

    Raises:
        NormeqError: what :class:`normeq.nn.constrained.ConstrainedConv` refuses; an unknown constraint;
            ``centre`` with an even kernel.

    Source: Herbreteau et al. 2023, section 4.1.
    """

    def __init__(self, *args: Any, constraint: Constraint = "telescope", **options: Any) -> None:
        super().__init__(*args, **options)
        check_constraint(constraint)
        if constraint == "centre":
            check_centre(self.kernel_size)
        self.constraint: Constraint = constraint

    def constrain(self, weight: Tensor) -> Tensor:
        kernel = affine_kernel(weight, self.constraint, self.free_channels)
        if self.constraint == "neighbours":
            if self.sorted_input:
                kernel = torch.cat((kernel[:, 0::2], kernel[:, 1::2]), dim=1)
            if self.sorted_output:
                kernel = torch.cat((kernel[0::2], kernel[1::2]))
        return kernel


def check_constraint(constraint: str) -> None:
    """Refuse a constraint that is none.

    Raises:
        NormeqError: its name is unknown.
    """
    if constraint not in CONSTRAINTS:
        raise NormeqError(f"unknown constraint {constraint!r}: choose one of {', '.join(CONSTRAINTS)}")


class AffineConv1d(AffineConv, nn.Conv1d):
    """:class:`AffineConv` of signals, (N, C_in, L) or (C_in, L)."""


class AffineConv2d(AffineConv, nn.Conv2d):
    """:class:`AffineConv` of images, (N, C_in, H, W) or (C_in, H, W)."""


class AffineConv3d(AffineConv, nn.Conv3d):
    """:class:`AffineConv` of volumes, (N, C_in, D, H, W) or (C_in, D, H, W)."""


class PixelShuffleUp(nn.Sequential):
    """Affine 1×1 convolution to 4·C channels, then pixel shuffle: doubles height and width."""

    def __init__(self, in_channels: int, out_channels: int, constraint: Constraint) -> None:
        super().__init__(
            AffineConv2d(in_channels, 4 * out_channels, 1, constraint=constraint), nn.PixelShuffle(2)
        )
