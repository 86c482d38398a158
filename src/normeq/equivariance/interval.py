"""T_{a,b}: an image's own minimum and maximum are sent to a and b, and its inverse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from normeq.equivariance.numbers import in_float64
from normeq.errors import NormeqError
from normeq.nn.inputs import seen

Image = TypeVar("Image", np.ndarray, Tensor)


class T:
    """T_{a,b}(y) = a + (b - a)·(y - min y)/(max y - min y), and its inverse for an image.

    >>> t = normeq.T(0, 255)  # doctest: +SKIP
    >>> z = t(y)  # values from 0 to 255  # doctest: +SKIP
    >>> clean = t.inverse(denoise(z), y)  # back in the range of y  # doctest: +SKIP
    >>> clean = t.around(denoise)(y)  # the same  # doctest: +SKIP

    For a normalization-equivariant f, T⁻¹ ∘ f ∘ T is f for every a < b. A constant image has no range: T
    sends it to a, and the inverse gives the constant back, whatever comes, as equivariance forces anyway:
    f(c·1) = c·1. (With the nominal range [0, 1] in place of the image's own:
    :func:`normeq.equivariance.ranges.in_interval`.)

    Images are torch tensors or NumPy arrays, (N, C, H, W) or with three axes or fewer; each image of a batch
    has its own minimum and maximum, over its channels and pixels. They are worked out in float64; results
    have the floating-point format of the image, float64 for integers.

    Args:
        a, b: where the minimum and the maximum go, finite, a < b.

    Raises:
        NormeqError: not a < b, or a value that is not finite; images without pixels, with NaN or infinity,
            masked, with values that are more than the largest float64 apart, or that are neither tensors nor
            arrays of integers or floating-point numbers.

    Source: Herbreteau et al. 2023, introduction.
    """

    def __init__(self, a: float, b: float) -> None:
        if not 0 < b - a < math.inf:
            raise NormeqError(f"the interval [{a:g}, {b:g}] is empty: a must be smaller than b, both finite")
        self.a, self.b = float(a), float(b)

    def __repr__(self) -> str:
        return f"T({self.a:g}, {self.b:g})"

    def __call__(self, y: Image) -> Image:
        """The image with values from a to b, both taken on; all a if it is constant."""
        exact, least, extent = _range(y)
        # Not a + (b - a)·t, which need not be b where t = 1.
        share = (exact - least) / extent.where(extent > 0, extent.new_ones(()))
        return _like(torch.lerp(share.new_tensor(self.a), share.new_tensor(self.b), share), y)

    def inverse(self, z: Image, y: Image) -> Image:
        """Back in the range of an image.

        Args:
            z: what T_{a,b} made of ``y``, or a denoiser of that; any values, not clipped.
            y: the image whose minimum and maximum a and b were, of the same shape.

        Returns:
            min y + (max y - min y)·(z - a)/(b - a), in the format of ``z``; constant where ``y`` is.
        """
        _, least, extent = _range(y)
        share = (in_float64(z, "T") - self.a) / (self.b - self.a)
        return _like(least + extent * share, z)

    def around(self, denoise: Callable[..., Image]) -> Callable[..., Image]:
        """T⁻¹ ∘ f ∘ T: denoise in [a, b] what comes in any range.

        Args:
            denoise: f, called as ``f(y)`` or ``f(y, sigma)``.

        Returns:
            A function of the same call; a given σ, in the units of y, is scaled as the image is. That of a
            constant image is left as it is.
        """

        def denoise_there(y: Image, sigma: Any = None) -> Image:
            if sigma is None:
                return self.inverse(denoise(self(y)), y)
            _, _, extent = _range(y)
            varies = extent > 0
            factor = (self.b - self.a) / extent.where(varies, extent.new_full((), self.b - self.a))
            if factor.numel() == 1 and not isinstance(sigma, Tensor):
                return self.inverse(denoise(self(y), sigma * factor.item()), y)
            level = torch.as_tensor(sigma, dtype=factor.dtype, device=factor.device)
            level = level.reshape(-1, 1, 1, 1) if level.ndim == 1 else level
            return self.inverse(denoise(self(y), _like(level * factor, y)), y)

        return denoise_there


def _range(y: Any) -> tuple[Tensor, Tensor, Tensor]:
    """An image, or each of a batch, in float64; its minimum; its maximum minus its minimum."""
    exact = in_float64(y, "T")
    if exact.numel() == 0:
        raise NormeqError(f"T takes images with at least one pixel, got shape {tuple(exact.shape)}")
    if not seen(exact, lambda: bool(exact.isfinite().all()), True):
        raise NormeqError("the image holds NaN or infinity: fill in or cut away these pixels first")
    axes = tuple(range(1, exact.ndim)) if exact.ndim > 3 else tuple(range(exact.ndim))
    least, most = exact.amin(axes, keepdim=True), exact.amax(axes, keepdim=True)
    extent = most - least
    if not seen(extent, lambda: bool(extent.isfinite().all()), True):
        raise NormeqError("values lie further apart than float64 can tell: scale the image first")
    return exact, least, extent


def _like(x: Tensor, y: Any) -> Any:
    """In the format and on the device of an image, if that is floating-point."""
    if isinstance(y, np.ndarray):
        return x.numpy().astype(y.dtype if y.dtype.kind == "f" else np.float64, copy=False)
    return x.to(y.dtype) if y.is_floating_point() else x
