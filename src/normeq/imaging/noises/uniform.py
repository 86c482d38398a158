"""Uniform noise: Saied & Fleuret 2026 train and test at σ = 14."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from normeq.imaging.noise import Noise

if TYPE_CHECKING:
    import torch

HALF_WIDTH = math.sqrt(3)  # of the interval around 0 with variance 1


class Uniform(Noise):
    """Uniform distribution around 0."""

    def unit(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return generator.uniform(-HALF_WIDTH, HALF_WIDTH, shape)

    def unit_tensor(
        self, shape: tuple[int, ...], generator: torch.Generator, device: torch.device
    ) -> torch.Tensor:
        import torch

        return (2 * torch.rand(shape, generator=generator, device=device) - 1) * HALF_WIDTH
