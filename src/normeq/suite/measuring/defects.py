"""Is this denoiser equivariant to changes of range? Defects over a grid of (λ, μ), at several precisions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import torch
from torch import Tensor

from normeq.denoisers.dtypes import Dtype
from normeq.denoisers.open import OTHER, Denoiser
from normeq.denoisers.precision import computing_in
from normeq.equivariance.centring import is_far
from normeq.equivariance.changes import Change
from normeq.equivariance.defect import Defect, defect
from normeq.errors import NormeqError, is_out_of_memory
from normeq.imaging.images import middle
from normeq.imaging.protocol import PAPER
from normeq.suite.data import listing
from normeq.suite.measuring.batches import Image
from normeq.suite.measuring.changes import COLUMNS
from normeq.suite.measuring.row_cache import RowCache, labels, mark


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
    denoiser: Denoiser, image: Image, sigma: float, grid: Sequence[Change], dtype: Dtype,
    device: torch.device, row_cache: RowCache | None = None,
) -> Iterator[dict[str, object]]:  # fmt: skip
    """Yield one row per change of range, with the keys of :data:`COLUMNS`.

    Networks take the mean out of an image far from zero, as elsewhere (:mod:`normeq.equivariance.centring`);
    of a user's denoiser that declares itself equivariant the declaration is put to the test: it gets the
    image as it is. The image gets the noise that other measurements give it (draw 0, not clipped); the
    denoiser gets λσ with λy + μ. A change that it refuses, or answers with numbers that are not finite, has
    no defect but an ``error``. No rows at all where it cannot compute in ``dtype``.

    Args:
        denoiser: what is certified.
        image: the clean image.
        sigma: noise level in 8-bit units.
        grid: see :func:`changes` and :func:`published_changes`.
        dtype, device: what it computes in, and where.
        row_cache: rows that need not be measured again.

    Raises:
        NormeqError: the denoiser cannot even denoise the image as it is, or answers with NaN or infinity.
    """
    row_cache = row_cache or RowCache()
    if denoiser.variant == OTHER:
        denoiser = denoiser.uncentred()
    same = labels(denoiser, image, PAPER, device) | {
        "sigma": f"{sigma:g}", "size": image.size, "dtype": dtype.name, "device": device.type,
    }  # fmt: skip
    asked = [same | {"kind": c.kind, "scale": f"{c.scale:.10g}", "shift": f"{c.shift:.10g}"} for c in grid]
    noisy = lru_cache(partial(_noisy, image, sigma, device))
    if denoiser.centred:
        y = noisy().to(getattr(torch, dtype.images))
        asked = [mark(label, is_far(c.scale * y + c.shift)[0]) for label, c in zip(asked, grid, strict=True)]
    rows = [row_cache.find(label, COLUMNS) for label in asked]
    if None in rows:
        y = noisy()
        try:
            function = computing_in(dtype, denoiser, y)
            if function is None:
                return
            y = y.to(getattr(torch, dtype.images))
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
        numbers = [
            None if old else _numbers(*_measure(function, y, change, sigma / 255, here))
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
    denoise: Callable[[Tensor, float], Tensor], y: Tensor, change: Change, sigma: float, here: Tensor
) -> tuple[Defect | None, str]:
    if not (change.scale * y + change.shift).isfinite().all():
        return None, "the changed image is not finite in this arithmetic"
    try:
        found = defect(denoise, y, change.scale, change.shift, sigma, here=here)
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
