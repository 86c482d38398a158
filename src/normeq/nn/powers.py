"""Units that are powers of two: division by them changes no digit."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def unit_of(x: Tensor, dim: tuple[int, ...]) -> Tensor:
    """The power of two next below the largest |value|, within the format's ordinary numbers.

    In this unit squares and sums neither underflow nor overflow.

    Args:
        x: any shape, floating point.
        dim: axes that share a unit; they are kept, with length 1.
    """
    largest = x.detach().abs().amax(dim=dim, keepdim=True)
    top = math.floor(math.log2(torch.finfo(x.dtype).max))
    return largest.log2().floor().clamp(1 - top, top - 1).exp2()
