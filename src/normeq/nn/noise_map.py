"""The noise level as an extra input channel."""

from __future__ import annotations

import torch
from torch import Tensor

from normeq.nn.inputs import check_level


def append_noise_map(y: Tensor, sigma: Tensor | float | None, wanted: bool) -> Tensor:
    """Append a channel with value σ where a network wants one.

    Args:
        y: images, (N, C, H, W).
        sigma: one number, one per image (N,), or one per pixel (N, 1, H, W), in the units of ``y``; ignored
            by blind networks.
        wanted: whether the network takes a noise map.

    Raises:
        NormeqError: a noise map is wanted and ``sigma`` is none, see :func:`normeq.nn.inputs.check_level`.
    """
    if not wanted:
        return y
    return torch.cat([y, check_level(sigma, y).expand(y.shape[0], 1, *y.shape[2:])], dim=1)
