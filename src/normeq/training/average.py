"""An exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """w̄ ← d·w̄ + (1 - d)·w after every step, with d rising to ``decay``, so that the start is forgotten.

    Args:
        network: whose weights (and running statistics) are averaged.
        decay: d, in (0,1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step number ``step`` (from 0)."""
        decay = min(self.decay, (step + 1) / (step + 10))
        for mean, now in zip(self.weights.values(), network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Go on from the averages of a checkpoint."""
        for key, value in self.weights.items():
            value.copy_(weights[key])

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """The network with averaged weights for a while."""
        own = {key: value.detach().clone() for key, value in network.state_dict().items()}
        network.load_state_dict(self.weights)
        try:
            yield
        finally:
            network.load_state_dict(own)
