"""Which changes of range are looked at to see whether a denoiser is equivariant, and what decides it.

Without PyTorch, for tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from normeq.errors import NormeqError

SCALES = (0.001, 0.1, 2, 40, 255)
SHIFTS = (-1, -0.25, 0.5, 10)
AUTHORS_SCALE, AUTHORS_SHIFT = 40.0, 10.0  # the check in the authors' notebook, part of every grid
KINDS = {  # which changes a question is about; scaling and shifting alone are joint changes too
    "scale": ("scale",),
    "shift": ("shift",),
    "joint": ("scale", "shift", "joint"),
}
COARSEST = 1e-3  # a larger tolerance would let real defects through


@dataclass(frozen=True)
class Change:
    """A change of range y ↦ λy + μ and why it is looked at.

    Attributes:
        kind: ``repeat`` (λ = 1, μ = 0: does the same input give the same output), ``scale`` (μ = 0),
            ``shift`` (λ = 1), ``joint``, or ``published`` (a draw of the published metric, joint as well).
        scale, shift: λ > 0 and μ; μ in units of the nominal range [0,1].
    """

    kind: str
    scale: float
    shift: float


def changes(scales: Iterable[float] = SCALES, shifts: Iterable[float] = SHIFTS) -> list[Change]:
    """The grid: no change, each λ, each μ, and each pair. The authors' λ = 40 and μ = 10 are always in.

    Raises:
        NormeqError: λ is not a finite positive number other than 1, or μ not a finite number other than 0.
    """
    scales, shifts = tuple(scales), tuple(shifts)
    for scale in scales:
        if not (0 < scale < math.inf) or scale == 1:
            raise NormeqError(f"a scale must be a positive number other than 1, got {scale:g}")
    for shift in shifts:
        if not math.isfinite(shift) or shift == 0:
            raise NormeqError(f"a shift must be a finite number other than 0, got {shift:g}")
    scales, shifts = sorted({*scales, AUTHORS_SCALE}), sorted({*shifts, AUTHORS_SHIFT})
    return [
        Change("repeat", 1.0, 0.0),
        *(Change("scale", scale, 0.0) for scale in scales),
        *(Change("shift", 1.0, shift) for shift in shifts),
        *(Change("joint", scale, shift) for scale in scales for shift in shifts),
    ]


def tolerance(eps: float) -> float:
    """Largest relative defect that passes for rounding: √ε, where ε is the spacing of numbers at 1.

    No computation is exact beyond ε, and a denoiser without the property misses by a good part of 1; √ε lies
    halfway between the two on a logarithmic scale. So a ✓ says: at least half of the digits agree.
    """
    return math.sqrt(eps)


def verdict(worst: float, repeat: float, eps: float) -> bool | None:
    """Whether a denoiser is equivariant; None where the question cannot be decided.

    Args:
        worst: largest relative defect; infinite where the denoiser refused.
        repeat: the same for two calls on the same image: what is random is not a defect, and hides one.
        eps: spacing of numbers at 1; where √ε exceeds :data:`COARSEST` nothing is decided.
    """
    if repeat > tolerance(eps) or tolerance(eps) > COARSEST:
        return None
    return bool(worst <= tolerance(eps))
