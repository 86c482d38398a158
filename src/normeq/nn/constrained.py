"""Convolutions whose kernels are made from unconstrained weights at every call, with what all kinds share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.padding import check_padding, pad
from normeq.nn.rotated_kernel import rotate

_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def check_bias(bias: bool, who: str) -> None:
    """Refuse a bias, which no change of range would scale.

    Raises:
        NormeqError: there is one.
    """
    if bias:
        raise NormeqError(f"{who}: a bias is not equivariant to scale, so there is none: leave bias=False")


class Constrained(ABC):
    """What layers have in common whose ``weight`` is unconstrained: a kernel that obeys the constraint."""

    weight: nn.Parameter

    @abstractmethod
    def constrain(self, weight: Tensor) -> Tensor:
        """Kernels of the same shape that obey the constraint."""

    @property
    def kernel(self) -> Tensor:
        """The constrained kernels, in the shape of ``weight`` (in the basis of the paper).

        Of weights in half precision they are worked out, and given, in float32: sums of hundreds of halves
        are far from what they should be.
        """
        narrow = self.weight.dtype in (torch.float16, torch.bfloat16)
        return self.constrain(self.weight.float() if narrow else self.weight)

    def adapt(self, kernel: Tensor) -> Tensor:
        """The kernels in the basis in which the layer computes."""
        return kernel

    @property
    def applied_kernel(self) -> Tensor:
        """The kernels as they are applied: :attr:`kernel`, adapted, in the format of the weights."""
        return self.adapt(self.kernel).to(self.weight.dtype)

    @abstractmethod
    def compute(self, x: Tensor, kernel: Tensor) -> Tensor:
        """What the layer gives with kernels as :attr:`applied_kernel` has them."""


class ConstrainedConv(Constrained):
    """Convolution without bias, (N, C_in, …) to (N, C_out, …) or without N, as in :class:`torch.nn.Conv2d`.

    Parameters are those of PyTorch's layer; the stored ``weight`` is unconstrained, and :meth:`constrain`
    maps it. What lies beyond the border are values of the input, because zeros would break the equivariance
    to shifts there; a margin may be longer than the image.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, device, dtype: as in
            :class:`torch.nn.Conv2d`; ``padding`` may be ``same`` or ``valid``.
        bias: False; there for the order of PyTorch's arguments.
        padding_mode: ``reflect``, ``replicate`` or ``circular``.
        free_channels: trailing input channels outside the constraint (noise map).
        sorted_input: the input comes from a :class:`normeq.nn.rotation.RotatedSortPool`, which has padded it.
        sorted_output: the output goes to one.

    Raises:
        NormeqError: zeros beyond a border, a bias, an odd number of channels on a rotated side, or groups
            together with ``free_channels`` or a rotated side (the channels of a pair lie in different
            groups).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = False,
        padding_mode: str = "reflect",
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        free_channels: int = 0,
        sorted_input: bool = False,
        sorted_output: bool = False,
    ) -> None:
        who = type(self).__name__
        check_bias(bias, who)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
            bias=False, padding_mode=padding_mode, device=device, dtype=dtype,
        )  # fmt: skip
        check_padding(padding_mode, self.padded, who)
        if groups > 1 and (free_channels or sorted_input or sorted_output):
            raise NormeqError(
                f"{who}: groups do not go with free_channels, sorted_input or sorted_output: use SortPool"
            )
        if not 0 <= free_channels < in_channels:
            raise NormeqError(
                f"{who}: free_channels must leave one of {in_channels} channels, got {free_channels}"
            )
        for side, number in (("input", sorted_input * in_channels), ("output", sorted_output * out_channels)):
            if number % 2:
                raise NormeqError(
                    f"{who}: sorted_{side} needs an even number of channels (pairs are sorted), got {number}"
                )
        self.free_channels = free_channels
        self.sorted_input = sorted_input
        self.sorted_output = sorted_output

    @property
    def margins(self) -> tuple[int, ...]:
        """The margin in the order of :func:`torch.nn.functional.pad`: (left, right, top, bottom, …)."""
        return tuple(self._reversed_padding_repeated_twice)

    @property
    def padded(self) -> bool:
        """Whether there is a margin."""
        return any(self.margins)

    def adapt(self, kernel: Tensor) -> Tensor:
        """The kernels rotated on the sides that meet a sort pooling."""
        return rotate(kernel, self.sorted_input, self.sorted_output)

    def pad(self, x: Tensor) -> Tensor:
        """The input with its margin, which a sort pooling before has given it already."""
        return x if self.sorted_input else pad(x, self.margins, self.padding_mode)

    def compute(self, x: Tensor, kernel: Tensor) -> Tensor:
        return _CONVOLVE[len(self.kernel_size)](
            self.pad(x), kernel, None, self.stride, 0, self.dilation, self.groups
        )

    def forward(self, x: Tensor) -> Tensor:
        # Parameters are stored in the format of fast convolutions, but the maps above lose it.
        layout = torch.channels_last if self.weight.ndim == 4 else torch.contiguous_format
        return self.compute(x, self.applied_kernel.contiguous(memory_format=layout))
