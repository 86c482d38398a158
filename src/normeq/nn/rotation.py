"""Sort pooling in a rotated basis, where it costs no more than ReLU.

For a pair (a, b) put s = (a + b)/√2 and d = (a - b)/√2. Then min = (s - |d|)/√2 and max = (s + |d|)/√2: in
the basis (s, d) sort pooling is the identity on s and -|·| on d. A shift of the input touches s alone, and a
difference d cannot feel it, which is also the shortest proof that sort pooling is equivariant. The rotation,
its inverse and the sign are linear and move into the kernels before and after, so a layer becomes a
convolution with an activation on half of its channels.

The next convolution mirrors its input at the borders, so the activation writes into the padded tensor at
once: one pass over memory in place of two.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# Integer type of the same size, and the bit that holds the sign.
_BITS = {8: (torch.int64, -(2**63)), 4: (torch.int32, -(2**31)), 2: (torch.int16, -(2**15))}


def _sum_and_difference(a: Tensor, b: Tensor, dim: int) -> Tensor:
    return torch.cat((a + b, a - b), dim=dim) * math.sqrt(0.5)


def rotate_output(kernel: Tensor) -> Tensor:
    """Kernel (C_out, …) whose output pairs (k, k + C_out/2) come out as (s, d)."""
    a, b = kernel.chunk(2, dim=0)
    return _sum_and_difference(a, b, dim=0)


def rotate_input(kernel: Tensor) -> Tensor:
    """Kernel (C_out, C_in, …) that takes (s, |d|) where the original takes the sorted pairs (min, max)."""
    low, high = kernel.chunk(2, dim=1)
    return _sum_and_difference(
        high, low, dim=1
    )  # low·min + high·max = (low + high) s/√2 + (high - low) |d|/√2


def mirror(x: Tensor) -> Tensor:
    """Reflective padding by one pixel, in the memory format of ``x`` (N, C, H, W), H and W at least 2."""
    if torch.compiler.is_compiling() or x.device.type == "cpu":
        # Autocast would pad in float32, three copies instead of one; the values are only moved.
        with torch.autocast(x.device.type, enabled=False):
            return F.pad(x, (1, 1, 1, 1), mode="reflect")
    return mirror_by_parts(x)  # PyTorch's own kernel for GPUs leaves the channels-last format


def mirror_by_parts(x: Tensor) -> Tensor:
    """:func:`mirror` by plain copies."""
    n, c, h, w = x.shape
    last = x.is_contiguous(memory_format=torch.channels_last)
    out = torch.empty(
        (n, c, h + 2, w + 2),
        dtype=x.dtype,
        device=x.device,
        memory_format=torch.channels_last if last else torch.contiguous_format,
    )
    out[..., 1:-1, 1:-1] = x
    out[..., 1:-1, 0], out[..., 1:-1, -1] = x[..., 1], x[..., -2]
    out[..., 0, :], out[..., -1, :] = out[..., 2, :], out[..., -3, :]
    return out


def _mirror_backward(gradient: Tensor) -> Tensor:
    """Adjoint of :func:`mirror`, as a new tensor: what lies in the margin is added where it came from."""
    rows = gradient[..., 1:-1, :]
    out = rows[..., 1:-1].clone(memory_format=torch.preserve_format)
    out[..., 1] += rows[..., 0]
    out[..., -2] += rows[..., -1]
    for margin, target in ((0, 1), (-1, -2)):
        row = gradient[..., margin, :]
        out[..., target, :] += row[..., 1:-1]
        out[..., target, 1] += row[..., 0]
        out[..., target, -2] += row[..., -1]
    return out


def _flip(x: Tensor, sign: Tensor) -> Tensor:
    """Change the sign of d where ``sign`` says so, in place."""
    x[:, x.shape[1] // 2 :].view(sign.dtype).bitwise_xor_(sign)
    return x


class _ActivateAndMirror(torch.autograd.Function):
    """(s, d) becomes (s, |d|), padded by one mirrored pixel; the gradient needs the signs of d only."""

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        half = x.shape[1] // 2
        integer, bit = _BITS[x.element_size()]
        sign = x[:, half:].view(integer).bitwise_and(bit)
        out = mirror(x)
        out[:, half:].abs_()
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
        return mirror(_flip(tangent.clone(), sign)), None


class _Adjoint(torch.autograd.Function):
    """The gradient of :class:`_ActivateAndMirror`, which is linear: its own gradient goes the other way."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, sign: Tensor) -> Tensor:
        ctx.save_for_backward(sign)
        return _flip(_mirror_backward(gradient), sign)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (sign,) = ctx.saved_tensors
        return mirror(_flip(gradient.clone(), sign)), None


class RotatedSortPool(nn.Module):
    """Sort pooling on rotated pairs, (s, d) to (s, |d|), and the mirrored margin of the next convolution.

    Stands between a 3×3 convolution rotated by :func:`rotate_output` and one rotated by
    :func:`rotate_input`, which does not pad; together they compute what they would around
    :class:`normeq.nn.sort.SortPool`. Takes (N, C, H, W), C even, H and W at least 2, which it may overwrite;
    gives (N, C, H+2, W+2).
    """

    def forward(self, x: Tensor) -> Tensor:
        half = x.shape[1] // 2
        if torch.compiler.is_compiling():  # plain operations, for the compiler to fuse
            return mirror(torch.cat((x[:, :half], x[:, half:].abs()), dim=1))
        if not torch.is_grad_enabled():  # no signs to keep
            x[:, half:].abs_()
            return mirror(x)
        return _ActivateAndMirror.apply(x)[0]
