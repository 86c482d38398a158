"""How the values of an image come to a network: what is taken out of them, and undone on the way out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from normeq.denoisers.opened import Opened
from normeq.errors import NormeqError
from normeq.imaging.protocol import FAR

STRIP = 2**20  # numbers of an image that are looked at together
WHOLE = 2.0**53  # from here on float64 does not hold every whole number
WIDE = (np.dtype(np.int64), np.dtype(np.uint64), torch.int64, torch.uint64)


@dataclass(frozen=True)
class ValueMap:
    """What is done to the values of an image on the way into a network, (y - shift) / scale, and undone on
    the way out; ``constant``: there is nothing to denoise."""

    shift: float
    scale: float
    constant: bool = False


def value_map(view: Any, found: Opened, span: tuple[float, float] | None) -> ValueMap:
    """How values come to the network, from the whole image: the same for all of its tiles.

    Raises:
        NormeqError: NaN or infinity; values that are more than the largest float64 apart; integers that
            float64 does not hold.
    """
    mean, largest, low, high, bad = _mean_and_largest(view)
    if bad:
        raise NormeqError(f"{bad} pixels are NaN or infinite: fill them in, or cut them away")
    if _native(view.dtype) in WIDE and max(-low, high) >= WHOLE:
        raise NormeqError(
            f"integers from {low:.3g} to {high:.3g} are beyond 2^53, where float64 holds not all of them: "
            "subtract an offset first, and add it to the result"
        )
    if not math.isfinite(largest):
        raise NormeqError("values lie further apart than float64 can tell: scale the image first")
    if span is not None:
        return ValueMap(span[0], span[1] - span[0])
    if not largest:
        return ValueMap(mean, 1.0, constant=found.whole)
    deviation = largest * math.sqrt(_mean_square(view, mean, largest))
    if found.whole:
        return ValueMap(mean, deviation)
    # A power of two changes no digit, and nothing over- or underflows inside the network.
    far = abs(mean) > FAR * deviation
    top = largest if far else max(abs(_largest(view)), largest)
    return ValueMap(mean if far else 0.0, 2.0 ** math.floor(math.log2(top)))


def _strips(view: Any) -> Iterator[Tensor]:
    rows = max(STRIP // max(math.prod(view.shape) // view.shape[-2], 1), 1)
    for start in range(0, view.shape[-2], rows):
        yield as_float64(view[:, start : start + rows])


def _native(dtype: Any) -> Any:
    return dtype.newbyteorder("=") if isinstance(dtype, np.dtype) else dtype


def _mean_and_largest(view: Any) -> tuple[float, float, float, float, int]:
    """Mean, largest |value - mean|, least and greatest value, and how many are not finite."""
    total, bad, low, high = 0.0, 0, math.inf, -math.inf
    size = math.prod(view.shape)
    for strip in _strips(view):
        bad += int((~strip.isfinite()).sum())
        total += float((strip / size).sum())
        low, high = min(low, float(strip.min())), max(high, float(strip.max()))
    mean = min(max(total, low), high)
    return mean, max(high - mean, mean - low), low, high, bad


def _largest(view: Any) -> float:
    return max(float(strip.abs().max()) for strip in _strips(view))


def _mean_square(view: Any, mean: float, unit: float) -> float:
    """Mean of ((value - mean) / unit)²."""
    size = math.prod(view.shape)
    return sum(float(((strip - mean) / unit).square().sum()) for strip in _strips(view)) / size


def mean_inside(view: Any, change: ValueMap) -> float:
    """Mean of an image as the network gets it."""
    size = math.prod(view.shape)
    return sum(float(((strip - change.shift) / change.scale).sum()) for strip in _strips(view)) / size


def as_float64(block: Any) -> Tensor:
    """float64, as a copy."""
    if isinstance(block, np.ndarray):
        return torch.from_numpy(np.array(block, dtype=np.float64, order="C"))
    block = block.detach()
    return (block if block.device.type in ("cpu", "cuda") else block.cpu()).to(torch.float64, copy=True)
