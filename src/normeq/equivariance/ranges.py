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
    if not 0 < b - a < float("inf"):
        raise NormeqError(f"the interval [{a:g}, {b:g}] is empty: a must be smaller than b")
    return in_range(denoise, b - a, a)


def in_range(denoise: Callable[..., Tensor], scale: float, shift: float) -> Callable[..., Tensor]:
    """Denoise λy + μ instead of y, and go back: (f(λy + μ) - μ)/λ, with λσ where σ is given.

    Args:
        denoise: f, called as ``f(y)`` or ``f(y, sigma)``.
        scale, shift: λ > 0 and μ, in the units of y.

    Returns:
        A function of the same call.

    Raises:
        NormeqError: λ is not a positive number, or μ not finite.
    """
    if not (0 < scale < float("inf") and -float("inf") < shift < float("inf")):
        raise NormeqError(f"the change of range {scale:g}·y + {shift:g} needs a positive scale")

    def denoise_there(y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        there = shift + scale * y
        output = denoise(there) if sigma is None else denoise(there, scale * sigma)
        return (output - shift) / scale

    return denoise_there
