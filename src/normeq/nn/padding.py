"""Padding that commutes with affine maps of the values, for any size: what is added are values of the input.

Zeros are none of them, so a layer that is to follow a shift refuses them. PyTorch's own reflective and
circular padding want an axis that is longer than its margin; here the mirror image or the period goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.errors import NormeqError

PaddingMode = Literal["reflect", "replicate", "circular"]
MODES = ("reflect", "replicate", "circular")


def check_padding(mode: str, padded: bool, who: str) -> None:
    """Refuse a mode that is none, and zeros where there is a margin.

    Args:
        mode: ``reflect``, ``replicate``, ``circular``, or ``zeros`` where nothing is padded.
        padded: whether there is a margin.
        who: what to call the layer.

    Raises:
        NormeqError: it cannot be had.
    """
    if mode == "zeros" and padded:
        raise NormeqError(
            f"{who}: padding_mode='zeros' does not follow a shift at the border: choose {', '.join(MODES)}"
        )
    if mode not in (*MODES, "zeros"):
        raise NormeqError(f"{who}: unknown padding_mode {mode!r}: choose {', '.join(MODES)}")


def pad(x: Tensor, margins: Sequence[int], mode: str = "reflect") -> Tensor:
    """Extend the last axes of a tensor by values that it has.

    Args:
        x: (…, L), (…, H, W), (…, D, H, W) and so on, with at least one value along each axis.
        margins: as :func:`torch.nn.functional.pad` takes them, (left, right, top, bottom, …); negative ones
            cut away.
        mode: ``reflect`` (without the outermost value; an axis of one value is repeated), ``replicate`` or
            ``circular``.

    Returns:
        The larger tensor; a margin may be longer than the axis.

    Raises:
        NormeqError: another mode; no two margins for each axis, or more axes than there are.
    """
    check_padding(mode, any(margins), "pad")
    axes = len(margins) // 2
    if len(margins) % 2 or axes > x.ndim:
        raise NormeqError(
            f"pad: margins are two for each axis, the last axis first, not {tuple(margins)} of {x.ndim} axes"
        )
    sizes = x.shape[-axes:]
    if not any(margins):
        return x
    # PyTorch's fast kernels are for images with or without a batch axis, and not for none of their channels.
    fast = x.ndim in (axes + 1, axes + 2) and x.shape[-1 - axes] != 0
    if mode == "reflect" and tuple(margins) == (1, 1, 1, 1) and fast:
        return mirror(x)
    longest = [max(margins[2 * k : 2 * k + 2]) for k in range(axes)]
    short = all(margin < size for margin, size in zip(longest, reversed(sizes), strict=True))
    short = short and min(margins) >= 0
    if mode != "circular" and short and axes <= 3 and fast:
        with torch.autocast(x.device.type, enabled=False):  # the values are only moved
            return F.pad(x, tuple(margins), mode=mode)
    for axis in range(axes):
        before, after = margins[2 * axis : 2 * axis + 2]
        if before or after:
            dim = x.ndim - 1 - axis
            x = x.index_select(dim, _positions(x.shape[dim], before, after, mode, x.device))
    return x


class Pad(nn.Module):
    """Module form of :func:`pad`.

    Args:
        margins: (left, right, top, bottom, …).
        mode: ``reflect``, ``replicate`` or ``circular``.

    Raises:
        NormeqError: another mode.
    """

    def __init__(self, margins: Sequence[int], mode: str = "reflect") -> None:
        super().__init__()
        check_padding(mode, True, type(self).__name__)
        self.margins, self.mode = tuple(margins), mode

    def forward(self, x: Tensor) -> Tensor:
        return pad(x, self.margins, self.mode)

    def extra_repr(self) -> str:
        return f"{self.margins}, {self.mode!r}"


def _positions(size: int, before: int, after: int, mode: str, device: torch.device) -> Tensor:
    """Which value of an axis stands at each place of the extended axis."""
    place = torch.arange(-before, size + after, device=device)
    if mode == "circular":
        return place % size
    if mode == "reflect" and size > 1:
        place = place % (2 * size - 2)
        return torch.minimum(place, 2 * size - 2 - place)
    return place.clamp(0, size - 1)


def inner(size: int) -> int:
    """What a margin mirrors, in pixels from the border: the neighbour of the outermost pixel, or that pixel
    itself where there is only one. Both commute with affine maps of the values."""
    return 1 if size > 1 else 0


def mirror(x: Tensor) -> Tensor:
    """Reflective padding by one pixel of the last two axes of (N, C, H, W) or (C, H, W), in the memory format
    of ``x``; along an axis of one pixel that pixel is repeated."""
    if torch.compiler.is_compiling() or x.device.type == "cpu":
        # Autocast would pad in float32, three copies instead of one; the values are only moved.
        with torch.autocast(x.device.type, enabled=False):
            if inner(x.shape[-2]) and inner(x.shape[-1]):
                return F.pad(x, (1, 1, 1, 1), mode="reflect")
            x = F.pad(x, (1, 1, 0, 0), mode="reflect" if inner(x.shape[-1]) else "replicate")
            return F.pad(x, (0, 0, 1, 1), mode="reflect" if inner(x.shape[-2]) else "replicate")
    return mirror_by_parts(x)  # PyTorch's own kernel for GPUs leaves the channels-last format


def mirror_by_parts(x: Tensor) -> Tensor:
    """:func:`mirror` by plain copies."""
    *batch, h, w = x.shape
    last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    out = torch.empty(
        (*batch, h + 2, w + 2),
        dtype=x.dtype,
        device=x.device,
        memory_format=torch.channels_last if last else torch.contiguous_format,
    )
    out[..., 1:-1, 1:-1] = x
    fill_margin(out)
    return out


def fill_margin(x: Tensor) -> None:
    """Overwrite the outermost rows and columns of (…, H+2, W+2) by the mirrored ones, in place."""
    row, column = inner(x.shape[-2] - 2), inner(x.shape[-1] - 2)
    x[..., 1:-1, 0], x[..., 1:-1, -1] = x[..., 1:-1, 1 + column], x[..., 1:-1, -2 - column]
    x[..., 0, :], x[..., -1, :] = x[..., 1 + row, :], x[..., -2 - row, :]
