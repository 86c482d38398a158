"""Which tiles an image is denoised in, so that they fit into memory and equal the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from normeq.denoisers.opened import Opened
from normeq.errors import NormeqError
from normeq.nn.reach import Reach

MEMORY = 2**31  # bytes for what a network computes on one tile, on a CPU
EDGES = 40  # bytes per number on the way in and out, in float64
GPU_SHARE = 0.4  # of the memory that a GPU has free
# On a CPU PyTorch convolves images of up to 20480 numbers by another algorithm, with other rounding. So that
# tiles equal the whole to the bit, no tile is smaller than that unless the image is.
SMALL = 20480
LAYERS = 3.0  # what a chain of layers holds at once, in maps of its widest one; 2.0 to 3.0 were measured


@dataclass(frozen=True)
class Tile:
    """A tile, in rows and columns of the image: ``outer`` is what the network gets, ``core`` what is kept of
    its answer."""

    core: tuple[slice, slice]
    outer: tuple[slice, slice]

    @property
    def inner(self) -> tuple[slice, slice]:
        """Where ``core`` is in ``outer``."""
        rows, columns = (
            slice(core.start - outer.start, core.stop - outer.start)
            for core, outer in zip(self.core, self.outer, strict=True)
        )
        return rows, columns


def check_tile(tile: object, network: Opened) -> None:
    """Refuse what is no tile, or no tile for a network.

    Raises:
        NormeqError: neither ``auto``, None nor a number of pixels; or a number, and how far the network sees
            is not known.
    """
    if tile in ("auto", None):
        return
    if isinstance(tile, bool) or not isinstance(tile, int) or tile < 1:
        raise NormeqError(f"tile must be auto, None, or a side in pixels (at least 1), not {tile!r}")
    if network.reach is None:
        raise NormeqError(
            f"{network.name}: how far it sees is not known, so tiles could leave seams: leave tile out, or "
            "give it an attribute halo, in pixels"
        )


def tiles(height: int, width: int, tile: int | str | None, network: Opened) -> list[Tile]:
    """The tiles of an image of ``height`` × ``width`` pixels.

    Args:
        tile: side of a tile without what the network sees around it, in pixels (rounded up to a multiple of
            the network's); ``auto`` for whole images where they fit into memory, and else for the largest
            tiles that do; None for whole images.
    """
    seen = network.reach
    if tile is None or seen is None:
        rows, columns = height, width
    elif tile == "auto":
        rows, columns = _fitting(height, width, seen, most_pixels(network))
    else:
        rows = columns = math.ceil(int(tile) / seen.multiple) * seen.multiple
    if (rows >= height and columns >= width) or height * width <= SMALL or seen is None:
        whole = slice(0, height), slice(0, width)
        return [Tile(whole, whole)]
    side = math.isqrt(SMALL) + 1
    least = (max(side, SMALL // width + 1), max(side, SMALL // height + 1))
    return [
        Tile(
            (row, column),
            (_around(row, seen, height, least[0]), _around(column, seen, width, least[1])),
        )
        for row in _cut(height, rows)
        for column in _cut(width, columns)
    ]


def part(rows: slice, columns: slice, height: int, width: int, seen: Reach) -> Tile:
    """A part of an image of ``height`` × ``width`` pixels as a tile by itself: it comes out as in the whole.

    Args:
        rows, columns: the part.
        height, width: of the image.
        seen: how far the network sees.
    """
    least = max(math.isqrt(SMALL) + 1, SMALL // min(height, width) + 1)
    outer = (_around(one, seen, length, least) for one, length in ((rows, height), (columns, width)))
    return Tile((rows, columns), tuple(outer))


def most_pixels(network: Opened) -> int:
    """How many pixels a network may get at once, halo included."""
    budget = float(MEMORY)
    if network.device.type == "cuda":
        budget = GPU_SHARE * torch.cuda.mem_get_info(network.device)[0]
    width = 1.0 if network.reach is None else network.reach.width
    return int(budget / (LAYERS * width * network.dtype.itemsize + EDGES * network.channels))


def _fitting(height: int, width: int, seen: Reach, pixels: int) -> tuple[int, int]:
    """Sides of equal tiles that, with their halo, have no more than that many pixels; the halo alone may have
    more, and then a tile is no smaller than it."""
    if height * width <= pixels:
        return height, width
    side = math.isqrt(pixels)
    # An image much longer than wide is cut across alone.
    for short, long in ((width, height), (height, width)):
        if short <= side:
            room = max(pixels // short - 2 * seen.halo, seen.halo, seen.multiple)
            cut = _equal(long, room, seen.multiple)
            return (cut, width) if short == width else (height, cut)
    room = max(side - 2 * seen.halo, seen.halo, seen.multiple)
    return _equal(height, room, seen.multiple), _equal(width, room, seen.multiple)


def _equal(length: int, most: int, multiple: int) -> int:
    """Length of the parts when ``length`` is cut into as few parts as ``most`` allows."""
    most = max(most // multiple * multiple, multiple)
    parts = math.ceil(length / most)
    return math.ceil(math.ceil(length / parts) / multiple) * multiple


def _cut(length: int, part: int) -> Iterator[slice]:
    for start in range(0, length, part):
        yield slice(start, min(start + part, length))


def _around(part: slice, seen: Reach, length: int, least: int) -> slice:
    """A part of an axis with its halo, or more: no shorter than ``least`` if the axis is not, and from one
    multiple to another."""
    start = max(part.start - seen.halo, 0) // seen.multiple * seen.multiple
    stop = min(math.ceil((part.stop + seen.halo) / seen.multiple) * seen.multiple, length)
    stop = max(stop, min(start + math.ceil(least / seen.multiple) * seen.multiple, length))
    start = min(start, max(stop - least, 0) // seen.multiple * seen.multiple)
    return slice(start, stop)
