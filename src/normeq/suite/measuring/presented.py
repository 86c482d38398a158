"""How a noisy image is presented on [a, b]: by the nominal range, or by its own minimum and maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from normeq.suite.results.normalise import MINMAX, NOMINAL

if TYPE_CHECKING:
    from torch import Tensor

    from normeq.denoisers.open import Denoiser

Normalise = Annotated[
    Literal["nominal", "minmax"],
    Field(
        description="What goes to a and b: 0 and 1 of the nominal range, or the lowest and highest value of "
        "the noisy image, the poster's T_{a,b}."
    ),
]


def presented(
    denoiser: Denoiser, scale: float, shift: float, normalise: str = NOMINAL
) -> tuple[Denoiser, Callable[[Tensor], Tensor]]:
    """A denoiser that works on [a, b], a = shift and b = a + scale.

    Args:
        scale, shift: in units of the nominal range [0,1]; scale above 0.
        normalise: ``nominal`` sends 0 and 1 to a and b (:func:`normeq.equivariance.ranges.in_range`),
            ``minmax`` each image's lowest and highest value (:class:`normeq.equivariance.interval.T`).

    Returns:
        The denoiser, of images in the nominal range [0,1] as before; and what its network sees of such images
        (N, 1, H, W).

    Raises:
        NormeqError: a scale that is not positive, or not finite.
    """
    from normeq.equivariance.interval import T
    from normeq.equivariance.ranges import in_range

    if normalise == MINMAX:
        there = T(shift, shift + scale)
        return replace(denoiser, function=there.around(denoiser.function)), there
    return replace(denoiser, function=in_range(denoiser.function, scale, shift)), lambda y: shift + scale * y
