"""Affine linear layer: the weights of every output sum to 1."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.nn.affine import Constraint, affine_kernel, check_constraint
from normeq.nn.constrained import Constrained, check_bias


class AffineLinear(Constrained, nn.Linear):
    """Linear layer without bias whose rows each sum to 1, (…, in_features) to (…, out_features).

    A shift of all features comes out as the same shift of all outputs.

    Args:
        in_features, out_features, device, dtype: as in :class:`torch.nn.Linear`.
        bias: False; there for the order of PyTorch's arguments.
        constraint: see :func:`normeq.nn.affine.affine_kernel`; each feature is a channel of one tap, so
            ``centre`` is ``mean``.

    Raises:
        NormeqError: a bias; an unknown constraint.

    Source: the affine convolution of Herbreteau et al. 2023, section 4.1, for images of one pixel.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        constraint: Constraint = "telescope",
    ) -> None:
        check_bias(bias, type(self).__name__)
        check_constraint(constraint)
        super().__init__(in_features, out_features, bias=False, device=device, dtype=dtype)
        self.constraint: Constraint = constraint

    def constrain(self, weight: Tensor) -> Tensor:
        return affine_kernel(weight, self.constraint)

    def compute(self, x: Tensor, kernel: Tensor) -> Tensor:
        return F.linear(x, kernel)

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(x, self.applied_kernel)
