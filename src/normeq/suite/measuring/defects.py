"""Is this denoiser equivariant to changes of range? Defects over a grid of (λ, μ), in several arithmetics."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from normeq.denoisers.arithmetic import computing_in
from normeq.denoisers.open import OTHER, Denoiser
from normeq.denoisers.precision import Arithmetic
from normeq.equivariance.centring import is_far
from normeq.equivariance.defect import Defect, defect
from normeq.errors import NormeqError, is_out_of_memory
from normeq.imaging.images import middle
from normeq.imaging.protocol import PAPER
from normeq.suite.data import listing
from normeq.suite.measurements.certificate import COLUMNS, SCALES, SHIFTS
from normeq.suite.measuring.batches import Image
from normeq.suite.measuring.row_cache import RowCache, labels, mark

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


def find_image(image: str, size: int, data_dir: str | Path = "data") -> Image:
    """One image of a data set.

    Args:
        image: ``dataset/name``, see :func:`normeq.suite.data.listing.find_image`.
        size: side of the square in its middle that is used, in pixels; 0, or more than it has, for all.
        data_dir: folder of the data sets.
    """
    ((file, clean),) = list(listing.read([listing.find_image(image, data_dir)]))
    return Image(file.dataset, file.name, clean, size)


def certify(
    denoiser: Denoiser, image: Image, sigma: float, grid: Sequence[Change], arithmetic: Arithmetic,
    device: torch.device, row_cache: RowCache | None = None,
) -> Iterator[dict[str, object]]:  # fmt: skip
    """Yield one row per change of range, with the keys of :data:`COLUMNS`.

    Networks take the mean out of an image far from zero, as elsewhere (:mod:`normeq.equivariance.centring`);
    of a user's denoiser that declares itself equivariant the declaration is put to the test: it gets the
    image as it is. The image gets the noise that other measurements give it (draw 0, not clipped); the
    denoiser gets λσ with λy + μ. A change that it refuses, or answers with numbers that are not finite, has
    no defect but an ``error``. No rows at all where it cannot compute in ``arithmetic``.

    Args:
        denoiser: what is certified.
        image: the clean image.
        sigma: noise level in 8-bit units.
        grid: see :func:`changes` and :func:`published_changes`.
        arithmetic, device: what it computes in, and where.
        row_cache: rows that need not be measured again.

    Raises:
        NormeqError: the denoiser cannot even denoise the image as it is, or answers with NaN or infinity.
    """
    row_cache = row_cache or RowCache()
    if denoiser.variant == OTHER:
        denoiser = denoiser.uncentred()
    same = labels(denoiser, image, PAPER, device) | {
        "sigma": f"{sigma:g}", "size": image.size, "dtype": arithmetic.name, "device": device.type,
    }  # fmt: skip
    asked = [same | {"kind": c.kind, "scale": f"{c.scale:.10g}", "shift": f"{c.shift:.10g}"} for c in grid]
    noisy = lru_cache(partial(_noisy, image, sigma, device))
    if denoiser.centred:
        y = noisy().to(getattr(torch, arithmetic.images))
        asked = [mark(label, is_far(c.scale * y + c.shift)[0]) for label, c in zip(asked, grid, strict=True)]
    rows = [row_cache.find(label, COLUMNS) for label in asked]
    if None in rows:
        y = noisy()
        try:
            function = computing_in(arithmetic, denoiser, y)
            if function is None:
                return
            y = y.to(getattr(torch, arithmetic.images))
            here = function(y, sigma / 255)
            if not here.isfinite().all():
                raise ValueError("its output is not finite")
        except NormeqError:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            where = f"{image.dataset}/{image.name}"
            raise NormeqError(
                f"denoiser {denoiser.network}: fails on {where} as it is ({_line(error)})"
            ) from None

        def denoise(images: Tensor, level: float) -> Tensor:  # the image as it is, only once
            return here if images is y else function(images, level)

        numbers = [
            None if old else _numbers(*_measure(denoise, y, change, sigma / 255))
            for old, change in zip(rows, grid, strict=True)
        ]
        now = {"weights": denoiser.identity}  # known less well, if it read a file only now
        rows = [old or label | now | new for old, label, new in zip(rows, asked, numbers, strict=True)]
    for row in rows:
        yield {column: row[column] for column in COLUMNS}


def _noisy(image: Image, sigma: float, device: torch.device) -> Tensor:
    """What is measured, (1, 1, H, W): the square of the noisy image that is used."""
    noisy = PAPER.noisy(image.clean, sigma, image.dataset, image.name, 0)
    return torch.from_numpy(middle(noisy, image.size))[None, None].to(device)


def _measure(
    denoise: Callable[[Tensor, float], Tensor], y: Tensor, change: Change, sigma: float
) -> tuple[Defect | None, str]:
    if not (change.scale * y + change.shift).isfinite().all():
        return None, "the changed image is not finite in this arithmetic"
    try:
        found = defect(denoise, y, change.scale, change.shift, sigma)
    except NormeqError:
        raise
    except Exception as error:  # whatever a user's function raises
        if is_out_of_memory(error):
            raise
        return None, _line(error)
    if not math.isfinite(found.relative):
        return None, "output is not finite"
    return found, ""


def _numbers(found: Defect | None, error: str) -> dict[str, str]:
    names = ("relative", "normalised", "absolute")
    return {name: f"{getattr(found, name):.6e}" if found else "" for name in names} | {"error": error}


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
