"""Laplace noise: Saied & Fleuret 2026 train and test at σ = 20."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from normeq.imaging.noise import Noise

if TYPE_CHECKING:
    import torch

SCALE = 1 / math.sqrt(2)  # of the distribution with variance 1


class Laplace(Noise):
    """Laplace distribution: heavier tails than a Gaussian's."""

    def unit(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return generator.laplace(0, SCALE, shape)

    def unit_tensor(
        self, shape: tuple[int, ...], generator: torch.Generator, device: torch.device
    ) -> torch.Tensor:
        import torch

        # The inverse of the distribution function; 1 - |2u - 1| lies in (0, 1] but for u = 0.
        u = torch.rand(shape, generator=generator, device=device) * 2 - 1
        return -SCALE * u.sign() * torch.log1p(-u.abs().clamp(max=1 - 2**-24))
