"""Muon: momentum whose step is made orthogonal, for the kernels between hidden layers.

The step depends on the gradient's directions and not on their lengths, and it does not notice an orthogonal
change of basis of inputs or outputs: a norm network learns alike in the basis of the paper and in the rotated
one of :mod:`normeq.nn.rotation`. Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon;
PyTorch's own class takes matrices only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from normeq.nn.powers import unit_of

# Coefficients of an odd polynomial that lifts every singular value in (0, 1] towards 1 in a few rounds.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ROUNDS = 5
_FAR = 40  # exponents of two from which on a matrix is brought to a unit of its own


def orthogonalize(matrices: Tensor) -> Tensor:
    """Replace the singular values of each matrix by about 1 (0.7 to 1.2).

    Newton-Schulz iteration on the small Gram matrix: the polynomials commute with it, so their product is
    built there and applied to the wide matrix once.

    Args:
        matrices: (N, rows, columns), float32, of any size; zeros stay zeros.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalize(matrices.mT).mT
    matrices = matrices / _unit(matrices)
    x = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(matrices.dtype).tiny)
    gram = x @ x.mT
    eye = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    product = eye.expand_as(gram)
    for _ in range(_ROUNDS):
        factor = _A * eye + _B * gram + _C * gram @ gram
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ x


def _unit(matrices: Tensor) -> Tensor:
    """A unit for each matrix where squares of its entries would under- or overflow; else 1, also of zeros."""
    largest = matrices.abs().amax(dim=(1, 2), keepdim=True)
    ordinary = (largest == 0) | (largest > 2.0**-_FAR) & (largest < 2.0**_FAR)
    return unit_of(matrices, dim=(1, 2)).where(~ordinary, 1.0)


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum, for parameters with two dimensions or more (rows × the rest).

    Args:
        params: kernels.
        lr: learning rate; the step of a kernel with more rows than columns is larger by √(rows/columns).
        momentum: of the running mean of gradients.
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; ``closure``, if there is one, is called first, and what it returns is."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    alike[p.shape].append(p)
            for kernels in alike.values():
                self._step_alike(kernels, group)
        return loss

    def _step_alike(self, kernels: list[nn.Parameter], group: dict[str, Any]) -> None:
        """A step of kernels of one shape, all together: a GPU waits for launches otherwise."""
        gradients = [p.grad for p in kernels]
        for p in kernels:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        means = [self.state[p]["momentum"] for p in kernels]
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, means, group["momentum"])

        # Which column is which does not matter, so the kernel is read in the order of its memory.
        def in_memory(p: nn.Parameter, tensor: Tensor) -> Tensor:
            last = p.dim() == 4 and p.is_contiguous(memory_format=torch.channels_last)
            return tensor.permute(0, 2, 3, 1) if last else tensor

        together = zip(kernels, ahead, strict=True)
        steps = orthogonalize(torch.stack([in_memory(p, tensor).flatten(1) for p, tensor in together]))
        rows, columns = steps.shape[1:]
        steps.mul_(-group["lr"] * max(1, rows / columns) ** 0.5)
        read = [in_memory(p, p) for p in kernels]
        torch._foreach_add_(read, [step.view(p.shape) for p, step in zip(read, steps, strict=True)])
