"""T_{a,b}: normalise to an interval, denoise there, go back."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from normeq.errors import NormeqError


def in_interval(denoise: Callable[..., Tensor], a: float, b: float) -> Callable[..., Tensor]:
    """Denoise in the range [a, b] instead of [0, 1].

    T_{a,b}(y) = (f(a + (b - a)·y) - a) / (b - a); a given σ is scaled by (b - a) alike. For a
    normalization-equivariant f all T_{a,b} with a < b are one map (Herbreteau et al. 2023, introduction).

    Args:
        denoise: f, called as ``f(y)`` or ``f(y, sigma)``.
        a, b: the values that 0 and 1 of the nominal image range are sent to, a < b.

    Returns:
        A function of the same call, images in the nominal range [0, 1].

    Raises:
        NormeqError: not a < b, or a value that is not finite.
    """
    width = b - a
    if not 0 < width < float("inf"):
        raise NormeqError(f"the interval [{a:g}, {b:g}] is empty: a must be smaller than b")

    def denoise_there(y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        there = a + width * y
        output = denoise(there) if sigma is None else denoise(there, width * sigma)
        return (output - a) / width

    return denoise_there
