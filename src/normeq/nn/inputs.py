"""What may go into a network and what must come out of it, said in one line where it is otherwise."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normeq.errors import NormeqError


def takes_images(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Decorator of a network's ``forward(self, y, sigma=None)``: it sees batches (N, C, H, W) alone.

    A single image (C, H, W) is a batch of one, as for PyTorch's convolutions, and comes back as (C, H, W).
    C is ``self.image_channels`` where the network has such an attribute. For what is refused see
    :func:`check_input`; ``sigma`` must be numbers, also where it is not used.
    """

    @functools.wraps(forward)
    def checked(self: nn.Module, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        check_input(y, getattr(self, "image_channels", None), self)
        if not (sigma is None or isinstance(sigma, float | int)):
            sigma = _numbers(sigma, y)
        return forward(self, y[None], sigma)[0] if y.ndim == 3 else forward(self, y, sigma)

    return checked


def check_input(y: object, channels: int | None, network: nn.Module | None = None) -> None:
    """Refuse what is no image or batch of images for a network.

    The number format must be that of the weights: float32 images for a float32 network. Nothing is converted
    silently, since float64 images far from zero lose their contrast in float32
    (:class:`normeq.equivariance.centring.Centred` takes them). Under autocast float16, bfloat16 and float32
    mix.

    Values are looked at on the CPU only: looking into a tensor makes a GPU wait, and stops a compiler.

    Args:
        y: (N, C, H, W) or (C, H, W), floating point, finite, at least one pixel; any range.
        channels: C; None where any number will do.
        network: whose weights decide the number format and the device; None where there are none.

    Raises:
        NormeqError: another type, number of axes or channels, number format, device; no pixels; NaN or
            infinity.
    """
    if not isinstance(y, Tensor):
        raise NormeqError(f"a network takes a torch tensor, not {_type(y)}: use torch.from_numpy(array)")
    if torch.jit.is_tracing():  # shapes are tensors there
        return
    c = "C" if channels is None else channels
    if y.ndim not in (3, 4) or channels not in (None, y.shape[-3]) or 0 in y.shape[-3:]:
        raise NormeqError(
            f"expected images of shape (N, {c}, H, W), or one of shape ({c}, H, W), with at least one pixel; "
            f"got {tuple(y.shape)}"
        )
    if not y.dtype.is_floating_point:
        raise NormeqError(
            f"expected images of floating-point numbers, got {_name(y.dtype)}: convert them first, "
            "8-bit images by y.float() / 255"
        )
    if torch.compiler.is_compiling():
        return
    weight = None if network is None else next(network.parameters(), None)
    if weight is not None and weight.device != y.device:
        raise NormeqError(
            f"the images are on {y.device} and the network on {weight.device}: "
            f"use y.to({str(weight.device)!r})"
        )
    if weight is not None and weight.dtype != y.dtype and not _mixes(y, weight):
        raise NormeqError(
            f"the images are {_name(y.dtype)} and the network computes in {_name(weight.dtype)}: "
            f"use y.to(torch.{_name(weight.dtype)}), or network.to(torch.{_name(y.dtype)})"
        )
    if not seen(y, lambda: bool(y.isfinite().all()), True):
        raise NormeqError("the images hold NaN or infinity: fill in or cut away these pixels first")


def check_level(sigma: Tensor | float | None, y: Tensor) -> Tensor:
    """σ for a batch ``y`` (N, C, H, W), in its number format and with four axes, to expand to (N, 1, H, W).

    Raises:
        NormeqError: ``sigma`` is None, no number, negative, not finite, or neither one number, nor one per
            image (N,), nor one per pixel (N, 1, H, W).
    """
    if sigma is None:
        raise NormeqError("this network takes a noise map: give sigma, in the same units as the image")
    level = _numbers(sigma, y)
    if level.ndim != 4:
        level = level.reshape(-1, 1, 1, 1)
    whole = (y.shape[0], 1, *y.shape[2:])
    if any(have not in (1, want) for have, want in zip(level.shape, whole, strict=True)):
        raise NormeqError(
            f"sigma must be one number, one per image {whole[:1]}, or one per pixel {whole}; "
            f"got {tuple(sigma.shape) if isinstance(sigma, Tensor) else level.shape[0]}"
        )
    if not seen(sigma, lambda: bool(((level >= 0) & level.isfinite()).all()), True):
        raise NormeqError(f"sigma must be finite and not negative, got {float(level.min()):g}")
    return level


def _numbers(sigma: Any, y: Tensor) -> Tensor:
    """A noise level as a tensor like ``y``.

    Raises:
        NormeqError: it is not of real numbers.
    """
    try:
        if isinstance(sigma, Tensor) and sigma.is_complex():
            raise TypeError
        return torch.as_tensor(sigma, dtype=y.dtype, device=y.device)
    except (TypeError, ValueError) as error:
        what = f"a tensor of {_name(sigma.dtype)}" if isinstance(sigma, Tensor) else _type(sigma)
        raise NormeqError(f"sigma must be a real number, or a tensor of them, not {what}") from error


def check_output(output: object, y: Tensor, who: str) -> Tensor:
    """What a denoiser returned, if it is one image for each image, in real numbers.

    Args:
        output: what it returned.
        y: what it was given, any shape.
        who: what to call it in messages.

    Raises:
        NormeqError: it is no tensor (a tuple, None, …), of another shape, or not of real numbers.
    """
    if not isinstance(output, Tensor):
        raise NormeqError(f"{who}: returned {_type(output)}, not one image: return the denoised image alone")
    if output.shape != y.shape:
        raise NormeqError(f"{who}: returned shape {tuple(output.shape)} for images of shape {tuple(y.shape)}")
    if output.is_complex():
        raise NormeqError(f"{who}: returned {_name(output.dtype)}, not an image of real numbers")
    return output


def check_shaped(module: nn.Module, who: str) -> None:
    """Refuse a module that does not know the shape of its weights yet.

    Raises:
        NormeqError: it is lazy, and has seen no image.
    """
    if any(isinstance(p, nn.parameter.UninitializedTensorMixin) for p in module.parameters()):
        raise NormeqError(f"{who}: its weights have no shape yet (a lazy module): call it on an image first")


def real_array(answer: object, who: str) -> np.ndarray:
    """The array that a function returned.

    Raises:
        NormeqError: it is not of real numbers, or some are masked: what lies under a mask is no answer.
    """
    array = np.asarray(answer)
    if array.dtype.kind not in "fiub":
        raise NormeqError(f"{who}: returned {array.dtype}, not an array of real numbers")
    masked = int(np.ma.getmaskarray(answer).sum()) if isinstance(answer, np.ma.MaskedArray) else 0
    if masked:
        raise NormeqError(f"{who}: returned {masked} masked pixels: fill them in")
    return array


def seen(x: object, look: Callable[[], bool], unseen: bool) -> bool:
    """The answer of ``look`` where values of ``x`` can be looked at, else ``unseen``.

    Not on a GPU, which would have to wait, nor under a compiler or :func:`torch.vmap`.
    """
    if isinstance(x, Tensor) and (x.device.type != "cpu" or torch.compiler.is_compiling()):
        return unseen
    try:
        return look()
    except RuntimeError:  # under vmap there is no one value
        return unseen


def _mixes(y: Tensor, weight: Tensor) -> bool:
    """Whether autocast brings the two formats together; it leaves float64 alone."""
    return torch.is_autocast_enabled(y.device.type) and torch.float64 not in (y.dtype, weight.dtype)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _type(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
