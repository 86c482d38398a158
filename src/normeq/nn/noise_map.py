"""The noise level as an extra input channel."""

from __future__ import annotations

import torch
from torch import Tensor

from normeq.errors import NormeqError


def append_noise_map(y: Tensor, sigma: Tensor | float | None, wanted: bool) -> Tensor:
    """Append a channel with value σ where a network wants one.

    Args:
        y: images, (N, C, H, W).
        sigma: one number, one per image (N,), or one per pixel (N, 1, H, W), in the units of ``y``; ignored
            by blind networks.
        wanted: whether the network takes a noise map.

    Raises:
        NormeqError: a noise map is wanted and ``sigma`` is None or negative.
    """
    if not wanted:
        return y
    if sigma is None:
        raise NormeqError("this network takes a noise map: give sigma, in the same units as the image")
    # Looking into a tensor stops a compiler, and makes a GPU wait.
    visible = not isinstance(sigma, Tensor) or (
        sigma.device.type == "cpu" and not torch.compiler.is_compiling()
    )
    if visible and bool((torch.as_tensor(sigma) < 0).any()):
        raise NormeqError(f"sigma must not be negative, got {float(torch.as_tensor(sigma).min()):g}")
    level = torch.as_tensor(sigma, dtype=y.dtype, device=y.device)
    if level.dim() != 4:
        level = level.reshape(-1, 1, 1, 1)
    level = level.expand(y.shape[0], 1, *y.shape[2:])
    return torch.cat([y, level], dim=1)
