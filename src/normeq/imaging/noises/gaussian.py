"""White Gaussian noise, the paper's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from normeq.imaging.noise import Noise

if TYPE_CHECKING:
    import torch


class Gaussian(Noise):
    """Normal distribution."""

    def unit(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return generator.standard_normal(shape)

    def unit_tensor(
        self, shape: tuple[int, ...], generator: torch.Generator, device: torch.device
    ) -> torch.Tensor:
        import torch

        return torch.randn(shape, generator=generator, device=device)
