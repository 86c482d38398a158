"""Batch normalisation without biases: a factor per channel and nothing else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from normeq.errors import NormeqError


class BiasFreeBatchNorm(nn.Module):
    """Batch normalisation that divides by the standard deviation and neither centres nor shifts.

    In evaluation mode it is a multiplication by a constant per channel, hence equivariant to scale
    (Mohan et al., ICLR 2020). It is not equivariant to shifts, which it multiplies too; and in training mode
    it divides by the deviation of the batch, so that a scale does not come out.

    Args:
        channels, eps, momentum: as in :class:`torch.nn.BatchNorm2d`; ``momentum`` a number.
        device, dtype: of the parameters.

    Raises:
        NormeqError: called with another number of axes or channels.
    """

    dims: tuple[int, ...]  # how many axes an input may have behind the channels
    running_var: Tensor

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, device=device, dtype=dtype))
        self.register_buffer("running_var", torch.ones(channels, device=device, dtype=dtype))
        self.eps, self.momentum = eps, momentum

    def gain(self, variance: Tensor) -> Tensor:
        """Factor of every channel, for variances (C,)."""
        return self.weight * torch.rsqrt(variance + self.eps)

    def forward(self, x: Tensor) -> Tensor:
        behind = x.ndim - 2
        if behind not in self.dims:
            shapes = " or ".join(f"(N, C{', …' if dims else ''}) of {dims + 2} axes" for dims in self.dims)
            raise NormeqError(f"{type(self).__name__} takes {shapes}, got {tuple(x.shape)}")
        channels = self.running_var.numel()
        if not torch.jit.is_tracing() and x.shape[1] != channels:  # (shapes are tensors there)
            raise NormeqError(f"{type(self).__name__} takes {channels} channels, got {tuple(x.shape)}")
        if self.training:
            variance = x.var(dim=(0, *range(2, x.ndim)), unbiased=False)
            self.running_var.lerp_(variance.detach().to(self.running_var.dtype), self.momentum)
        else:
            variance = self.running_var
        return x * self.gain(variance).to(x.dtype)[(..., *[None] * behind)]


class BiasFreeBatchNorm1d(BiasFreeBatchNorm):
    """:class:`BiasFreeBatchNorm` of features (N, C) or signals (N, C, L)."""

    dims = (0, 1)


class BiasFreeBatchNorm2d(BiasFreeBatchNorm):
    """:class:`BiasFreeBatchNorm` of images (N, C, H, W)."""

    dims = (2,)


class BiasFreeBatchNorm3d(BiasFreeBatchNorm):
    """:class:`BiasFreeBatchNorm` of volumes (N, C, D, H, W)."""

    dims = (3,)
