"""Sort pooling: the activation that an additive shift cannot disturb."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.errors import NormeqError


def sort_pairs(x: Tensor, dim: int = 1) -> Tensor:
    """Sort channels in pairs: (x_k, x_{k + C/2}) becomes (min, max) at every pixel.

    Sorting commutes with every increasing affine map, sort(λx + μ) = λ sort(x) + μ for λ > 0, and keeps all
    values: it is a permutation chosen by the data (Herbreteau et al. 2023, section 4.2).

    The paper pairs neighbouring channels (2k, 2k + 1). Which channels are partners is a mere permutation of
    the neighbouring kernels; pairing the two halves keeps both partners contiguous in channels-last memory
    (3× faster).

    Args:
        x: shape (N, C, ...), C even, any range.
        dim: axis of the channels; -3 for (C, H, W) as well as (N, C, H, W).

    Returns:
        Tensor of the same shape: minima in the first half of the channels, maxima in the second.

    Raises:
        NormeqError: odd number of channels.
    """
    if x.shape[dim] % 2:
        raise NormeqError(f"sort pooling needs an even number of channels, got {x.shape[dim]}")
    a, b = x.chunk(2, dim=dim)
    # One ReLU and its cheap gradient instead of minimum and maximum, whose gradients mask ties.
    excess = F.relu(a - b)
    return torch.cat((a - excess, b + excess), dim=dim)


class SortPool(nn.Module):
    """Module form of :func:`sort_pairs`, for (N, C, H, W) or (C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return sort_pairs(x, dim=-3)
