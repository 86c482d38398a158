"""The wrapper: equivariance from outside, for any network."""

from __future__ import annotations

from torch import Tensor, nn


class NormalizationWrapper(nn.Module):
    """f(y) = std·g((y - mean)/std) + mean, with mean and std over all channels and pixels of each image.

    f is normalization-equivariant whatever g is. Where std = 0 the image is constant and is returned as it
    is, which
    equivariance forces anyway: f(c·1) = c·1. A noise map is divided by std, so f(λy + μ, λσ) = λf(y, σ) + μ.

    Args:
        network: g, called as ``g(y)`` or ``g(y, sigma)``.

    Source: Saied & Fleuret, ICML 2026 (arXiv 2605.08193); 1/d standard deviation as in the paper.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.noise_map = bool(getattr(network, "noise_map", False))

    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        mean = y.mean(dim=(1, 2, 3), keepdim=True)
        centred = y - mean
        std = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        divisor = std.where(std > 0, std.new_ones(()))
        if sigma is not None:
            sigma = sigma / divisor.flatten()
        return std * self.network(centred / divisor, sigma) + mean
