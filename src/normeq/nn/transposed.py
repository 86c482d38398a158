"""Affine transposed convolution: at every place of the output, the weights of what arrives sum to 1.

With stride s the taps of a transposed kernel fall into s classes along each axis, and an output pixel is
reached by the taps of one class alone (its *phase*). So the taps of each phase sum to 1 over the channels of
their group, phase by phase; one sum over the whole kernel would not do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.affine import Constraint, affine_kernel, check_centre, check_constraint
from normeq.nn.constrained import Constrained, check_bias
from normeq.nn.padding import check_padding, pad

_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def affine_transposed_kernel(
    weight: Tensor, stride: Sequence[int], groups: int = 1, constraint: Constraint = "telescope"
) -> Tensor:
    """Map unconstrained weights of a transposed convolution to kernels whose phases each sum to 1.

    Args:
        weight: raw weights, shape (C_in, C_out / groups, k_1, …, k_n), any values.
        stride: along each axis; not larger than the kernel there.
        groups: of the convolution.
        constraint: see :func:`normeq.nn.affine.affine_kernel`; applied to the taps of each phase.

    Returns:
        Kernels of the same shape.

    Raises:
        NormeqError: ``centre``, and the taps of a phase are even in number along an axis.
    """
    # As for a convolution: output channels first, then the input channels of their group.
    taps = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    places = torch.arange(math.prod(taps.shape[2:])).view(taps.shape[2:])
    made, order = [], []
    for first in product(*map(range, stride)):
        phase = tuple(slice(start, None, step) for start, step in zip(first, stride, strict=True))
        made.append(affine_kernel(taps[(..., *phase)], constraint).flatten(2))
        order.append(places[phase].flatten())
    back = torch.cat(order).argsort().to(weight.device)
    kernel = torch.cat(made, dim=2).index_select(2, back).view_as(taps)
    return kernel.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)


class AffineConvTranspose(Constrained):
    """Transposed convolution without bias whose phases each sum to 1: :func:`affine_transposed_kernel`.

    Beyond its border a transposed convolution of PyTorch sees zeros, so that fewer taps arrive near it. Here
    the input is extended by values that it has, as far as taps reach, and the result is cut to the size that
    PyTorch's layer gives: the sums are 1 at the border too.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, output_padding: as in
            :class:`torch.nn.ConvTranspose2d`.
        groups, dilation, device, dtype: as there.
        bias: False; there for the order of PyTorch's arguments.
        padding_mode: what the input is extended by, ``reflect``, ``replicate`` or ``circular``; ``zeros``
            only where no tap reaches beyond the border (kernel = stride, and no ``output_size`` beyond it).
        constraint: see :func:`normeq.nn.affine.affine_kernel`, for the taps of each phase.

    Raises:
        NormeqError: a phase without taps (a stride larger than the kernel, or one that has a divisor in
            common with the dilation); zeros beyond the border; a bias; an unknown constraint; ``centre``
            where a phase has no central tap.

    Source: the affine convolution of Herbreteau et al. 2023, section 4.1; phases and border are ours.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = False,
        dilation: int | tuple[int, ...] = 1,
        padding_mode: str = "reflect",
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        constraint: Constraint = "telescope",
    ) -> None:
        who = type(self).__name__
        check_bias(bias, who)
        check_constraint(constraint)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, groups,
            bias=False, dilation=dilation, device=device, dtype=dtype,
        )  # fmt: skip
        for size, step, apart in zip(self.kernel_size, self.stride, self.dilation, strict=True):
            if size < step or math.gcd(step, apart) > 1:
                raise NormeqError(
                    f"{who}: with kernel {size}, stride {step} and dilation {apart} some outputs get no "
                    "input, so they cannot follow a shift: take a kernel of at least the stride, and a "
                    "dilation without a divisor in common with it"
                )
        self.padding_mode = padding_mode
        check_padding(padding_mode, any(self.margins(self.output_padding)), who)
        if constraint == "centre":
            for first in product(*map(range, self.stride)):
                check_centre(
                    tuple(
                        len(range(start, size, step))
                        for start, size, step in zip(first, self.kernel_size, self.stride, strict=True)
                    )
                )
        self.constraint: Constraint = constraint

    def constrain(self, weight: Tensor) -> Tensor:
        return affine_transposed_kernel(weight, self.stride, self.groups, self.constraint)

    def margins(self, output_padding: Sequence[int]) -> tuple[int, ...]:
        """By how much the input is extended, in the order of :func:`torch.nn.functional.pad`."""
        found: list[int] = []
        sides = (self.kernel_size, self.stride, self.padding, self.dilation, output_padding)
        for size, step, cut, apart, more in zip(*map(reversed, sides), strict=True):
            reach = apart * (size - 1) - cut
            found += [max(0, reach // step), max(0, (reach + more) // step)]
        return tuple(found)

    def compute(self, x: Tensor, kernel: Tensor, output_size: list[int] | None = None) -> Tensor:
        axes = len(self.kernel_size)
        more = self._output_padding(
            x, output_size, self.stride, self.padding, self.kernel_size, axes, self.dilation
        )
        margins = self.margins(more)
        check_padding(self.padding_mode, any(margins), type(self).__name__)  # output_size may ask for them
        extended = pad(x, margins, self.padding_mode)
        whole = _TRANSPOSED[axes](extended, kernel, None, self.stride, 0, 0, self.groups, self.dilation)
        for axis in range(axes):
            step, cut, apart = self.stride[axis], self.padding[axis], self.dilation[axis]
            reach = apart * (self.kernel_size[axis] - 1)
            length = (x.shape[axis - axes] - 1) * step - 2 * cut + reach + more[axis] + 1
            whole = whole.narrow(axis - axes, cut + margins[2 * (axes - 1 - axis)] * step, length)
        return whole

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        return self.compute(x, self.applied_kernel, output_size)


class AffineConvTranspose1d(AffineConvTranspose, nn.ConvTranspose1d):
    """:class:`AffineConvTranspose` of signals, (N, C_in, L) or (C_in, L)."""


class AffineConvTranspose2d(AffineConvTranspose, nn.ConvTranspose2d):
    """:class:`AffineConvTranspose` of images, (N, C_in, H, W) or (C_in, H, W)."""


class AffineConvTranspose3d(AffineConvTranspose, nn.ConvTranspose3d):
    """:class:`AffineConvTranspose` of volumes, (N, C_in, D, H, W) or (C_in, D, H, W)."""
