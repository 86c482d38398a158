"""Folding: a trained network as plain convolutions, for inference."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from normeq.nn.affine import ConstrainedConv2d
from normeq.nn.dncnn import BiasFreeBatchNorm2d
from normeq.nn.rotation import RotatedSortPool, fill_margin, second_half


class FoldedConv2d(nn.Conv2d):
    """A constrained convolution with its kernels worked out once.

    Before a sort pooling it also computes the margin of one pixel that :class:`FoldedSortPool` overwrites,
    so that no layer copies its input to pad it; without ``in_place`` it does not.
    """

    def __init__(self, conv: ConstrainedConv2d, in_place: bool = True) -> None:
        padded = bool(conv.padding[0])
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            conv.stride,
            padding=int(in_place and padded and conv.sorted_output),
            bias=False,
        )
        self.border = conv.border if padded and not conv.sorted_input else None
        self.weight = nn.Parameter(conv.applied_kernel.detach(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(self.border(x) if self.border else x, self.weight, None, self.stride, self.padding)


class FoldedSortPool(nn.Module):
    """:class:`RotatedSortPool` in place, on a tensor that already has a margin of one pixel."""

    def forward(self, x: Tensor) -> Tensor:
        second_half(x).abs_()
        fill_margin(x)
        return x


def fold(network: nn.Module, *, in_place: bool = True) -> nn.Module:
    """A copy of a network for inference, equal to it up to rounding.

    Kernels are computed once in place of at every call; sort pooling works in place, as |·| on half of the
    channels, and refreshes the mirrored margin of its input in place; batch normalisation goes into the
    convolution before it. Parameters are then plain convolutions, so that ``fold(network).to(dtype)`` is the
    network in that arithmetic.

    Args:
        network: in evaluation mode, from :func:`normeq.nn.build_network`; not changed.
        in_place: False leaves sort pooling as it is, for what cannot follow operations in place.

    Returns:
        A module called like ``network``; it has no gradients.

    Raises:
        ValueError: the network is in training mode.
    """
    if network.training:
        raise ValueError("fold a network in evaluation mode: call network.eval() first")
    with torch.no_grad():
        folded = copy.deepcopy(network)
        _fold_children(folded, in_place)
    return folded.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _fold_children(module: nn.Module, in_place: bool) -> None:
    children = list(module.named_children())
    for (name, child), (next_name, following) in zip(children, [*children[1:], ("", None)], strict=False):
        if isinstance(child, ConstrainedConv2d):
            setattr(module, name, FoldedConv2d(child, in_place))
        elif isinstance(child, RotatedSortPool) and in_place:
            setattr(module, name, FoldedSortPool())
        elif isinstance(child, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(child, following))
            setattr(module, next_name, nn.Identity())
        elif isinstance(child, nn.Conv2d) and isinstance(following, BiasFreeBatchNorm2d):
            child.weight.mul_(following.gain(following.running_var)[:, None, None, None])
            setattr(module, next_name, nn.Identity())
        elif not isinstance(child, nn.BatchNorm2d | BiasFreeBatchNorm2d):
            _fold_children(child, in_place)


class FoldedForInference(nn.Module):
    """A network that runs folded where no gradients are asked for, and as it is where they are.

    It is folded at the first call, in the arithmetic that the network has then: ``double()`` afterwards gives
    kernels that sum to 1 in float64.

    Args:
        network: in evaluation mode.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.noise_map = bool(getattr(network, "noise_map", False))
        self.__dict__["_folded"] = None  # no submodule: it would be moved and saved with the network

    def _apply(self, *args: Any, **kwargs: Any) -> nn.Module:
        self.__dict__["_folded"] = None
        return super()._apply(*args, **kwargs)

    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        if torch.is_grad_enabled():
            return self.network(y, sigma)
        if self._folded is None:
            self.__dict__["_folded"] = fold(self.network)
        return self._folded(y, sigma)
