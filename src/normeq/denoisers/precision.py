"""A denoiser at another floating-point precision: number formats, autocast, TF32.

Which there are stands in :mod:`normeq.denoisers.dtypes`, which needs no PyTorch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from normeq.denoisers.dtypes import DTYPES, Dtype
from normeq.denoisers.open import Denoiser
from normeq.errors import NormeqError
from normeq.system.arithmetic import tf32


def get_dtype(name: str, device: torch.device) -> Dtype:
    """Look a precision up by name.

    Raises:
        NormeqError: unknown name, or TF32 away from a CUDA device.
    """
    if name not in DTYPES:
        raise NormeqError(f"unknown dtype {name!r}: choose from {', '.join(DTYPES)}")
    if DTYPES[name].tf32 and device.type != "cuda":
        raise NormeqError(f"dtype tf32 exists on NVIDIA GPUs only, and this is {device.type}: leave it out")
    return DTYPES[name]


def computing_in(dtype: Dtype, denoiser: Denoiser, y: Tensor) -> Callable[[Tensor, float], Tensor] | None:
    """The denoiser at that precision, or None where it cannot.

    Networks can all of them: emulated TF32 rounds the factors of convolutions and matrix products; bfloat16
    and float16 are autocast; float64, all-bfloat16 and all-float16 are a copy with weights, images and
    everything between in that format. Functions of arrays know float32, and float64 where they keep it: one
    that returns nothing but float32 numbers does not.

    Args:
        dtype: what to compute in.
        denoiser: what computes.
        y: images (N, 1, H, W) of the device, to try float64 on.

    Returns:
        A function of images in ``dtype.images`` and σ (same units) to images of the same format.
    """
    network = denoiser.function if isinstance(denoiser.function, nn.Module) else None
    if network is None and dtype.name not in ("float64", "float32"):
        return None
    function = denoiser.function
    format_ = getattr(torch, dtype.images)
    if network is not None and format_ != torch.float32:
        function = copy.deepcopy(network).to(format_)
    narrow = getattr(torch, dtype.autocast) if dtype.autocast else None

    def compute(images: Tensor, sigma: float) -> Tensor:
        cast = torch.autocast(images.device.type, narrow, enabled=narrow is not None)
        rounded = RoundedFactors() if dtype.emulated else nullcontext()
        with torch.no_grad(), tf32(dtype.tf32), cast, rounded:
            return function(images.clone(), sigma).to(format_)  # some work in place

    if network is None and format_ == torch.float64:
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


class RoundedFactors:
    """TF32 in software: the factors of convolutions and matrix products are rounded, their sums are not.

    It goes by what PyTorch computes and not by how that was asked for: by a function, a method, an operator
    or a layer, with arguments by position or by name. Recurrent layers that a library computes whole, and
    quantized ones, stay as they are.
    """

    def __enter__(self) -> None:
        self._stack = ExitStack()
        # Attention would be one operation otherwise, whose products cannot be had apart.
        fast = torch.backends.mha.get_fastpath_enabled()
        self._stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        torch.backends.mha.set_fastpath_enabled(False)
        self._stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        self._stack.enter_context(_Rounding())

    def __exit__(self, *error: Any) -> None:
        self._stack.close()


class _Rounding(TorchDispatchMode):
    # Every other convolution and matrix product comes down to one of these, with these two factors.
    FACTORS: ClassVar[dict[str, tuple[str, str]]] = {
        "convolution": ("input", "weight"), "conv_tbc": ("self", "weight"),
        "mm": ("self", "mat2"), "addmm": ("mat1", "mat2"), "_addmm_activation": ("mat1", "mat2"),
        "bmm": ("self", "mat2"), "baddbmm": ("batch1", "batch2"), "addbmm": ("batch1", "batch2"),
        "mv": ("self", "vec"), "addmv": ("mat", "vec"), "dot": ("self", "tensor"),
    }  # fmt: skip

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        names = [argument.name for argument in function._schema.arguments[: len(args)]]
        name = function._schema.name.removeprefix("aten::").removesuffix("_")
        if name in self.FACTORS:
            values = dict(zip(names, args, strict=True)) | kwargs
            for factor in self.FACTORS[name]:
                values[factor] = _rounded(values[factor], as_matrix=not name.startswith("conv"))
            args, kwargs = [values.pop(one) for one in names], values
        elif torch.is_inference_mode_enabled():  # where they have not come down yet
            with self:
                answer = function.decompose(*args, **kwargs)
            if answer is not NotImplemented:
                return answer
        return function(*args, **kwargs)


def _rounded(x: Tensor, as_matrix: bool) -> Tensor:
    """A factor rounded; a matrix stays in the order of its memory, by rows or by columns."""
    if as_matrix and x.ndim > 1 and not x.is_contiguous():
        return round_to_tf32(x.mT).mT
    return round_to_tf32(x)
