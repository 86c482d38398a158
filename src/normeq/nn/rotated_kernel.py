"""Kernels in the rotated basis of :mod:`normeq.nn.rotation`, worked out at every training step.

The rotation is linear and orthogonal: its gradient is its adjoint. A large network has more to do for its
kernels than for a few small images, and what costs there is memory, so both maps and their factor are one
step of the graph, in the order in which the kernel lies.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def rotate(kernel: Tensor, inputs: bool, outputs: bool) -> Tensor:
    """A kernel between sort poolings in the basis of sums and differences.

    Args:
        kernel: (C_out, C_in, …), in the basis of the paper.
        inputs: it takes sorted pairs (k, k + C_in/2), min and max; the result takes (s, |d|) in their place:
            low·min + high·max = (low + high) s/√2 + (high - low) |d|/√2.
        outputs: its output pairs (k, k + C_out/2), a and b, are to come out as (s, d) = (a + b, a - b)/√2.

    Returns:
        A kernel of the same shape and memory format.
    """
    if not (inputs or outputs):
        return kernel
    if torch.compiler.is_compiling():  # plain operations, for the compiler to fuse
        return _rotated(kernel, inputs, outputs)
    return _Rotation.apply(kernel, inputs, outputs, False)


def _rotated(kernel: Tensor, inputs: bool, outputs: bool, adjoint: bool = False) -> Tensor:
    if outputs:  # its own adjoint
        a, b = kernel.chunk(2, dim=0)
        kernel = torch.cat((a + b, a - b), dim=0)
    if inputs:
        a, b = kernel.chunk(2, dim=1)
        kernel = torch.cat((a - b, a + b) if adjoint else (b + a, b - a), dim=1)
    return kernel.mul_(0.5 if inputs and outputs else math.sqrt(0.5))


class _Rotation(torch.autograd.Function):
    """:func:`rotate`, or its adjoint."""

    generate_vmap_rule = True

    @staticmethod
    def forward(kernel: Tensor, inputs: bool, outputs: bool, adjoint: bool) -> Tensor:
        return _rotated(kernel, inputs, outputs, adjoint)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.how = inputs[1:]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        inputs, outputs, adjoint = ctx.how
        return _Rotation.apply(gradient, inputs, outputs, not adjoint), None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        return _Rotation.apply(tangent, *ctx.how)
