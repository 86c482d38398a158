"""Sort pooling in a rotated basis, where it costs no more than ReLU.

For a pair (a, b) put s = (a + b)/√2 and d = (a - b)/√2. Then min = (s - |d|)/√2 and max = (s + |d|)/√2: in
the basis (s, d) sort pooling is the identity on s and -|·| on d. A shift of the input touches s alone, and a
difference d cannot feel it, which is also the shortest proof that sort pooling is equivariant. The rotation,
its inverse and the sign are linear and move into the kernels before and after
(:mod:`normeq.nn.rotated_kernel`), so a layer becomes a convolution with an activation on half of its
channels.

The next convolution mirrors its input at the borders, so the activation writes into the padded tensor at
once: one pass over memory in place of two.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.padding import check_padding, inner, mirror, pad


def _mirror_backward(gradient: Tensor) -> Tensor:
    """Adjoint of :func:`mirror`, as a new tensor: what lies in the margin is added where it came from."""
    row, column = inner(gradient.shape[-2] - 2), inner(gradient.shape[-1] - 2)
    rows = gradient[..., 1:-1, :]
    out = rows[..., 1:-1].clone(memory_format=torch.preserve_format)
    out[..., column] += rows[..., 0]
    out[..., -1 - column] += rows[..., -1]
    for margin, target in ((0, row), (-1, -1 - row)):
        line = gradient[..., margin, :]
        out[..., target, :] += line[..., 1:-1]
        out[..., target, column] += line[..., 0]
        out[..., target, -1 - column] += line[..., -1]
    return out


def second_half(x: Tensor, dim: int = -3) -> Tensor:
    """The channels that hold d, as a view; they are axis -3, of a batch or of one image, if not ``dim``."""
    half = x.shape[dim] // 2
    return x.narrow(dim, half, half)


def _flip(x: Tensor, sign: Tensor) -> Tensor:
    """Multiply d by ``sign``, in place."""
    second_half(x).mul_(sign)
    return x


class _ActivateAndMirror(torch.autograd.Function):
    """(s, d) becomes (s, |d|), padded by one mirrored pixel; the gradient needs the signs of d only."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        d = second_half(x)
        sign = torch.copysign(d.new_ones(()), d)
        out = mirror(x)
        second_half(out).abs_()
        return out, sign

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])
        ctx.save_for_forward(output[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor | None) -> Tensor:
        (sign,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # a derivative of the derivative is wanted
            return _Adjoint.apply(gradient, sign)
        return _flip(_mirror_backward(gradient), sign)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> tuple[Tensor, None]:
        (sign,) = ctx.saved_tensors
        return _Tangent.apply(tangent, sign), None


class _Linear(torch.autograd.Function):
    """A linear map for given signs: its derivative is itself, its gradient the adjoint map."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])
        ctx.save_for_forward(inputs[1])


class _Tangent(_Linear):
    """The derivative of :class:`_ActivateAndMirror`."""

    @staticmethod
    def forward(tangent: Tensor, sign: Tensor) -> Tensor:
        return mirror(_flip(tangent.clone(), sign))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Adjoint.apply(gradient, ctx.saved_tensors[0]), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return _Tangent.apply(tangent, ctx.saved_tensors[0])


class _Adjoint(_Linear):
    """The gradient of :class:`_ActivateAndMirror`."""

    @staticmethod
    def forward(gradient: Tensor, sign: Tensor) -> Tensor:
        return _flip(_mirror_backward(gradient), sign)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Tangent.apply(gradient, ctx.saved_tensors[0]), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return _Adjoint.apply(tangent, ctx.saved_tensors[0])


class RotatedSortPool(nn.Module):
    """Sort pooling on rotated pairs, (s, d) to (s, |d|), and the margin of the next convolution.

    Stands between a convolution whose outputs are rotated (:func:`normeq.nn.rotated_kernel.rotate`) and one
    whose inputs are, which does not pad; together they compute what they would around
    :class:`normeq.nn.sort.SortPool`. Takes (N, C, H, W) or (C, H, W), C even, which it may overwrite; gives
    (N, C, H+2, W+2) or (C, H+2, W+2).

    Args:
        dims: number of axes behind the channels: 2 for images, 1 for signals, 3 for volumes.
        padding: of the next convolution, along every axis.
        padding_mode: of the next convolution, see :func:`normeq.nn.padding.pad`.

    Raises:
        NormeqError: a padding mode that does not follow a shift; called with an odd number of channels.
    """

    def __init__(self, dims: int = 2, padding: int = 1, padding_mode: str = "reflect") -> None:
        super().__init__()
        check_padding(padding_mode, bool(padding), type(self).__name__)
        self.dims, self.padding, self.padding_mode = dims, padding, padding_mode

    @property
    def mirrors(self) -> bool:
        """Whether the margin is one mirrored pixel around images, which is written in one pass."""
        return (self.dims, self.padding, self.padding_mode) == (2, 1, "reflect")

    def forward(self, x: Tensor) -> Tensor:
        dim = -1 - self.dims
        if x.shape[dim] % 2:
            raise NormeqError(f"sort pooling needs an even number of channels, got {x.shape[dim]}")
        if torch.compiler.is_compiling() or not self.mirrors:  # plain operations, for the compiler to fuse
            return self._by_parts(x, dim)
        if not torch.is_grad_enabled():  # no signs to keep
            second_half(x).abs_()
            return mirror(x)
        return _ActivateAndMirror.apply(x)[0]

    def _by_parts(self, x: Tensor, dim: int) -> Tensor:
        first = x.narrow(dim, 0, x.shape[dim] // 2)
        x = torch.cat((first, second_half(x, dim).abs()), dim=dim)
        return pad(x, (self.padding,) * (2 * self.dims), self.padding_mode)

    def extra_repr(self) -> str:
        return f"dims={self.dims}, padding={self.padding}, padding_mode={self.padding_mode!r}"
