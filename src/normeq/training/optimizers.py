"""From a recipe to optimisers."""

from __future__ import annotations

import torch
from torch import nn

from normeq.training.muon import Muon
from normeq.training.spec import Recipe

LEAST_CHANNELS = 8  # a kernel with fewer on one side (the first, the last) has no spectrum to speak of


def build_optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """The optimisers of a recipe; each parameter is in one of them.

    ``adam`` is one Adam. ``muon`` takes the kernels between hidden layers, and Adam with the learning rate
    ``lr_rest`` the others: first and last layer, biases, and scalars. The peak learning rate of every group
    stands under ``peak``; the loop scales it by the schedule.
    """
    parameters = list(network.parameters())
    if recipe.optimizer == "adam":
        hidden, rest, lr_rest = [], parameters, recipe.lr
    else:
        hidden = [p for p in parameters if p.dim() == 4 and min(p.shape[:2]) >= LEAST_CHANNELS]
        chosen = set(map(id, hidden))
        rest, lr_rest = [p for p in parameters if id(p) not in chosen], recipe.lr_rest
    optimizers: list[torch.optim.Optimizer] = []
    if hidden:
        optimizers.append(Muon(hidden, lr=recipe.lr))
    if rest:
        optimizers.append(torch.optim.Adam(rest, lr=lr_rest))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers
