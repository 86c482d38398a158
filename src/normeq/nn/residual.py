"""Residual connections: the plain sum and its affine form."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Sum(nn.Module):
    """x + y: equivariant to scale, but a common shift μ comes out as 2μ."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class AffineResidual(nn.Module):
    """a·x + (1 - a)·y with one learnable scalar a, started at 0.5.

    The weights sum to 1, so a common shift of x and y passes through unchanged
    (Herbreteau et al. 2023, section 4.1).
    """

    def __init__(self, start: float = 0.5) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(float(start)))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.a * x + (1 - self.a) * y
