"""Sort pooling: the activation that an additive shift cannot disturb."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.errors import NormeqError


def sort_pairs(x: Tensor, dim: int = 1, odd: Literal["refuse", "pass"] = "refuse") -> Tensor:
    """Sort channels in pairs: (x_k, x_{k + C/2}) becomes (min, max) at every pixel.

    Sorting commutes with every increasing affine map, sort(λx + μ) = λ sort(x) + μ for λ > 0, and keeps all
    values: it is a permutation chosen by the data (Herbreteau et al. 2023, section 4.2). In floating point
    it keeps them up to rounding: what is computed is a - max(a - b, 0) and b + max(a - b, 0), with an error
    in the last digits of the larger of |a| and |b|. In float32 (1e8, 1) becomes (0, 1e8), and partners
    further apart than the largest number, such as (3e38, -3e38), become infinite. (Minimum and maximum
    would be exact, and take three times as long with their gradients.)

    The paper pairs neighbouring channels (2k, 2k + 1). Which channels are partners is a mere permutation of
    the neighbouring kernels; pairing the two halves keeps both partners contiguous in channels-last memory
    (3× faster).

    Args:
        x: shape (N, C, ...), C even, any range.
        dim: axis of the channels; -3 for (C, H, W) as well as (N, C, H, W).
        odd: what to do with an odd number of channels; ``pass`` lets the last one through as it is.

    Returns:
        Tensor of the same shape: minima in the first half of the channels, maxima in the second.

    Raises:
        NormeqError: odd number of channels, or a single one, for which no equivariant activation exists.
    """
    channels = x.shape[dim]
    if channels % 2:
        if odd == "refuse" or channels == 1:
            raise NormeqError(f"sort pooling needs an even number of channels, got {channels}")
        pairs, last = x.narrow(dim, 0, channels - 1), x.narrow(dim, channels - 1, 1)
        return torch.cat((sort_pairs(pairs, dim), last), dim=dim)
    a, b = x.chunk(2, dim=dim)
    # One ReLU and its cheap gradient instead of minimum and maximum, whose gradients mask ties.
    excess = F.relu(a - b)
    return torch.cat((a - excess, b + excess), dim=dim)


class SortPool(nn.Module):
    """Module form of :func:`sort_pairs`, with or without an axis for the batch.

    Args:
        dims: number of axes behind the channels: 2 for images (N, C, H, W), 1 for signals (N, C, L), 3 for
            volumes (N, C, D, H, W), 0 for features (…, C).
        odd: see :func:`sort_pairs`.

    Raises:
        NormeqError: called with an odd number of channels, see :func:`sort_pairs`.
    """

    def __init__(self, dims: int = 2, odd: Literal["refuse", "pass"] = "refuse") -> None:
        super().__init__()
        self.dims, self.odd = dims, odd

    def forward(self, x: Tensor) -> Tensor:
        return sort_pairs(x, -1 - self.dims, self.odd)

    def extra_repr(self) -> str:
        return f"dims={self.dims}" + (", odd='pass'" if self.odd == "pass" else "")
