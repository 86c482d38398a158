"""Changes of the trainer that are no keys of a recipe: recipes.yaml names them under `idea`.

An idea that wins by more than the noise of seeds becomes a key of `normeq.training.spec.Recipe`; the others
stay here, so that their trials can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from unittest.mock import patch

import torch
from torch import Tensor, nn

from normeq.nn.affine import AffineConv2d
from normeq.training import loop, muon, optimizers
from normeq.training.spec import Recipe

WARM_STEPS = 150  # of momentum_warmup, a quarter of a short trial
ROW_DECAY = 0.95  # of the mean of squares in row_variance


@contextmanager
def three_rounds() -> Iterator[None]:
    """Muon with 3 Newton-Schulz rounds in place of 5."""
    with patch.object(muon, "_ROUNDS", 3):
        yield


@contextmanager
def momentum_warmup() -> Iterator[None]:
    """Muon whose momentum rises from 0.85 to 0.95 over the first steps."""

    class Warm(muon.Muon):
        done = 0

        def step(self, closure: None = None) -> None:
            for group in self.param_groups:
                group["momentum"] = 0.85 + 0.1 * min(1.0, self.done / WARM_STEPS)
            self.done += 1
            super().step(closure)

    with patch.object(optimizers, "Muon", Warm):
        yield


@contextmanager
def row_variance() -> Iterator[None]:
    """Muon whose orthogonal step is divided, row by row, by a running root mean square; its length stays."""
    squares: dict[torch.Size, Tensor] = {}
    steps: dict[torch.Size, int] = {}
    plain = muon.orthogonalize

    def adapted(matrices: Tensor) -> Tensor:
        step = plain(matrices)
        shape = step.shape
        mean = squares.setdefault(shape, torch.zeros_like(step[..., :1]))
        mean.lerp_(step.square().mean(dim=-1, keepdim=True), 1 - ROW_DECAY)
        steps[shape] = steps.get(shape, 0) + 1
        root = (mean / (1 - ROW_DECAY ** steps[shape])).sqrt().clamp_min(1e-8)
        scaled = step / root
        return scaled * (step.norm(dim=(1, 2), keepdim=True) / scaled.norm(dim=(1, 2), keepdim=True))

    with patch.object(muon, "orthogonalize", adapted):
        yield


@contextmanager
def fixed_norms() -> Iterator[None]:
    """Hidden kernels keep the norm that they start with: only their direction is learned."""

    class Fixed(muon.Muon):
        @torch.no_grad()
        def step(self, closure: None = None) -> None:
            kernels = [p for group in self.param_groups for p in group["params"]]
            before = [p.norm() for p in kernels]
            super().step(closure)
            for p, norm in zip(kernels, before, strict=True):
                p.mul_(norm / p.norm())

    with patch.object(optimizers, "Muon", Fixed):
        yield


@torch.no_grad()
def _isometric(network: nn.Module, _: str) -> None:
    """Each square kernel of a norm network is one orthogonal matrix Q with Q·1 = 1 at its centre.

    It keeps energy and shifts, as sort pooling does: at the start the network passes on what the first layer
    gives.
    """
    for layer in network.modules():
        if not isinstance(layer, AffineConv2d) or layer.in_channels != layer.out_channels:
            continue
        if layer.constraint != "mean":
            raise ValueError("isometric is for kernels by `mean`, which gives back a kernel that sums to 1")
        size = layer.in_channels
        # A basis whose first vector is constant; the others are turned among themselves.
        basis, _r = torch.linalg.qr(torch.cat((torch.ones(size, 1), torch.randn(size, size - 1)), dim=1))
        turn, _r = torch.linalg.qr(torch.randn(size - 1, size - 1))
        inner = torch.block_diag(torch.ones(1, 1), turn)
        kernel = torch.zeros_like(layer.weight)
        middle = layer.kernel_size[0] // 2
        kernel[:, :, middle, middle] = basis @ inner @ basis.T
        layer.weight.copy_(kernel)


@contextmanager
def isometric() -> Iterator[None]:
    """See :func:`_isometric`."""
    with patch.object(loop, "initialize", _isometric):
        yield


def trunk(decay: float) -> Callable[[], AbstractContextManager[None]]:
    """A constant rate that falls to zero over the last part ``decay`` of the training.

    The constant part could be trained on in a later slice, and the fall be a branch of it.
    """

    def factor(recipe: Recipe, step: int, progress: float) -> float:
        rise = min(1.0, (step + 1) / recipe.warmup) if recipe.warmup else 1.0
        return rise * min(1.0, (1 - progress) / decay)

    @contextmanager
    def applied() -> Iterator[None]:
        with patch.object(loop, "learning_rate_factor", factor):
            yield

    return applied


IDEAS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "none": nullcontext,
    "three_rounds": three_rounds,
    "momentum_warmup": momentum_warmup,
    "row_variance": row_variance,
    "fixed_norms": fixed_norms,
    "isometric": isometric,
    "trunk_0.2": trunk(0.2),
    "trunk_0.5": trunk(0.5),
}
