"""What a file holds, and the name of its kind."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from normeq.errors import NormeqError, install
from normeq.system.files import atomic_path

SUFFIXES = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp", ".dib"),
    "PPM": (".pgm", ".ppm", ".pnm"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "NPY": (".npy",),
    "FITS": (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz"),
    "NIfTI": (".nii", ".nii.gz"),
}
EXTRA = ("pillow", "tifffile")  # what the extra ``files`` brings


@dataclass(frozen=True)
class Picture:
    """What a file holds.

    Attributes:
        array: values as stored (where ``inverted``, negated: larger is brighter): (H, W), or a stack
            (…, H, W), with one more axis where there are channels; without transparency.
        channel_axis: that of the channels, or None.
        colour: whether the channels are red, green and blue.
        kind: as in :data:`SUFFIXES`.
        write: writes an array of the same shape and type to a path, with all else that the file holds.
        inverted: the sum of a stored value and its negative, where smaller is brighter; else None.
        scale, offset: a value of the unit that the file names is offset + scale · value of ``array``.
        white: the largest value that may be written, where it is not that of the type.
        notes: what is told about it.
    """

    array: np.ndarray
    channel_axis: int | None
    colour: bool
    kind: str
    write: Callable[[Path, np.ndarray], None]
    inverted: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    white: int | None = None
    notes: tuple[str, ...] = ()

    def inside(self, span: tuple[float, float]) -> tuple[float, float]:
        """A range of the file's values as one of ``array``."""
        low, high = ((value - self.offset) / self.scale for value in span)
        if self.inverted is not None:
            low, high = self.inverted - low, self.inverted - high
        return min(low, high), max(low, high)

    def save(self, path: Path, array: np.ndarray) -> None:
        """Write denoised values atomically.

        Raises:
            NormeqError: ``path`` cannot be written, or names another kind of file.
        """
        check_kind(path, self.kind)
        if self.white is not None:
            np.minimum(array, self.white, out=array)
        with atomic_path(path) as temporary:
            self.write(temporary, array)


def kind_of(path: Path | str) -> str | None:
    """The kind of a file by its name, a key of :data:`SUFFIXES`; None where it is none of them."""
    name = Path(path).name.lower()
    for kind, suffixes in SUFFIXES.items():
        if name.endswith(suffixes) and not name.startswith(suffixes):
            return kind
    return None


def check_kind(path: Path | str, kind: str) -> None:
    """Refuse a name for a file of another kind.

    Raises:
        NormeqError: see there.
    """
    if kind_of(path) != kind:
        raise NormeqError(
            f"{path}: a {kind} file is written here: name a file that ends in {SUFFIXES[kind][0]}"
        )


def need(module: str, path: Path, kind: str, package: str) -> Any:
    """A module that a file of that kind needs.

    Raises:
        NormeqError: its package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        remedy = install("files") if package in EXTRA else f"pip install {package}"
        raise NormeqError(f"{path}: {kind} files need {package}, which is not installed: {remedy}") from None


def numbers(path: Path, array: np.ndarray) -> np.ndarray:
    """The array, if it can be denoised.

    Raises:
        NormeqError: other samples than integers and floating-point numbers; no pixels, or one axis.
    """
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise NormeqError(
            f"{path}: {array.dtype} samples: convert them to integers or floating-point numbers"
        )
    if array.ndim < 2 or not array.size:
        raise NormeqError(f"{path}: shape {array.shape} is no image (H, W) or stack of images (…, H, W)")
    return array


def pages(count: int, word: str = "pages") -> tuple[str, ...]:
    """What is told of a stack."""
    return (f"{word}, each by itself",) if count > 1 else ()
