"""Which changes of range a certificate looks at, and the columns of its table."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from normeq.errors import NormeqError

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,size,kind,scale,shift,dtype,device,"
    "relative,normalised,absolute,error,weights,pixels,measured_by,protocol"
).split(",")
SCALES = (0.001, 0.1, 2, 40, 255)
SHIFTS = (-1, -0.25, 0.5, 10)
AUTHORS_SCALE, AUTHORS_SHIFT = 40.0, 10.0  # the check in the authors' notebook, part of every grid
PUBLISHED_DRAWS = 8


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


def published_changes(dataset: str, image: str, sigma: float) -> list[Change]:
    """The draws of the published metric for one noisy image: λ ∼ U(0.5, 1.5), μ ∼ U(-0.25, 0.25), 8 of them.

    The metric is the mean of the relative defect over draws, images and noise levels (Saied & Fleuret 2026,
    appendix E). The draws depend on the label of the noisy image alone: every denoiser gets the same.

    Args:
        dataset, image: names of the data set and of the image.
        sigma: noise level in 8-bit units.
    """
    label = f"{dataset}/{image}|sigma={float(sigma)!r}|published changes"
    key = np.frombuffer(hashlib.sha256(label.encode()).digest()[:16], dtype="<u8")
    random = np.random.Generator(np.random.Philox(key=key))
    return [
        Change("published", random.uniform(0.5, 1.5), random.uniform(-0.25, 0.25))
        for _ in range(PUBLISHED_DRAWS)
    ]
