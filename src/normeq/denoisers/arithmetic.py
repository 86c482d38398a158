"""The arithmetic a denoiser computes in: number formats, autocast, TF32."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from normeq.denoisers.open import Denoiser
from normeq.errors import NormeqError


@dataclass(frozen=True)
class Arithmetic:
    """How a denoiser computes.

    Attributes:
        name: as in the tables.
        eps: gap between 1 and the next number of the format in which products are formed.
        images: format of the images that go in and come out.
        autocast: format of the convolutions where it is narrower than ``images`` (weights stay in float32,
            as in training).
        tf32: whether a GPU may round the factors of float32 products to 10 bits.
        emulated: whether those of convolutions and matrix products are rounded so in software, anywhere.
    """

    name: str
    eps: float
    images: torch.dtype = torch.float32
    autocast: torch.dtype | None = None
    tf32: bool = False
    emulated: bool = False


def _eps(dtype: torch.dtype) -> float:
    return torch.finfo(dtype).eps


ARITHMETICS: dict[str, Arithmetic] = {
    a.name: a
    for a in (
        Arithmetic("float64", _eps(torch.float64), images=torch.float64),
        Arithmetic("float32", _eps(torch.float32)),
        Arithmetic("tf32", 2.0**-10, tf32=True),
        Arithmetic("emulated-tf32", 2.0**-10, emulated=True),
        Arithmetic("bfloat16", _eps(torch.bfloat16), autocast=torch.bfloat16),
        Arithmetic("float16", _eps(torch.float16), autocast=torch.float16),
        Arithmetic("all-bfloat16", _eps(torch.bfloat16), images=torch.bfloat16),
        Arithmetic("all-float16", _eps(torch.float16), images=torch.float16),
    )
}


def get_arithmetic(name: str, device: torch.device) -> Arithmetic:
    """Look an arithmetic up by name.

    Raises:
        NormeqError: unknown name, or TF32 away from a CUDA device.
    """
    if name not in ARITHMETICS:
        raise NormeqError(f"unknown dtype {name!r}: choose from {', '.join(ARITHMETICS)}")
    if ARITHMETICS[name].tf32 and device.type != "cuda":
        raise NormeqError(f"dtype tf32 exists on NVIDIA GPUs only, and this is {device.type}: leave it out")
    return ARITHMETICS[name]


def computing_in(
    arithmetic: Arithmetic, denoiser: Denoiser, y: Tensor
) -> Callable[[Tensor, float], Tensor] | None:
    """The denoiser in that arithmetic, or None where it cannot.

    Networks can all of them: emulated TF32 rounds the factors of convolutions and matrix products; bfloat16
    and float16 are autocast; float64, all-bfloat16 and all-float16 are a copy with weights, images and
    everything between in that format. Functions of arrays know float32, and float64 where they keep it: one
    that returns nothing but float32 numbers does not.

    Args:
        arithmetic: what to compute in.
        denoiser: what computes.
        y: images (N, 1, H, W) of the device, to try float64 on.

    Returns:
        A function of images in ``arithmetic.images`` and σ (same units) to images of the same format.
    """
    network = denoiser.function if isinstance(denoiser.function, nn.Module) else None
    if network is None and arithmetic.name not in ("float64", "float32"):
        return None
    function = denoiser.function
    if network is not None and arithmetic.images != torch.float32:
        function = copy.deepcopy(network).to(arithmetic.images)

    def compute(images: Tensor, sigma: float) -> Tensor:
        cast = torch.autocast(
            images.device.type, arithmetic.autocast, enabled=arithmetic.autocast is not None
        )
        rounded = RoundedFactors() if arithmetic.emulated else nullcontext()
        with torch.no_grad(), _tf32(arithmetic.tf32), cast, rounded:
            return function(images.clone(), sigma).to(arithmetic.images)  # some work in place

    if network is None and arithmetic.images == torch.float64:
        output = compute(y.double() / 3, 0.1)  # a third of a float32 number is none
        if torch.equal(output, output.float().double()):
            return None
    return compute


def round_to_tf32(x: Tensor) -> Tensor:
    """float32 numbers rounded to the 10 bits after the point that TF32 keeps, the nearest, ties away from
    zero (as ``cvt.rna.tf32.f32`` of NVIDIA's GPUs does); other formats, infinities and NaN as they are."""
    if x.dtype != torch.float32:
        return x
    bits = x.contiguous().view(torch.int32)
    rounded = ((bits + 0x1000) & ~0x1FFF).view(torch.float32)
    return torch.where(x.isfinite(), rounded, x).view_as(x)


class RoundedFactors(TorchFunctionMode):
    """TF32 in software: the factors of convolutions and matrix products are rounded, their sums are not."""

    PRODUCTS = (torch.conv2d, torch.nn.functional.linear, torch.matmul, torch.bmm, torch.mm, Tensor.matmul)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function in self.PRODUCTS:
            args = (round_to_tf32(args[0]), round_to_tf32(args[1]), *args[2:])
        return function(*args, **(kwargs or {}))


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 in matrix products and convolutions (PyTorch allows it in the latter)."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
