"""What a network is trained on: gray images in memory, their names, and a pin that tells their content.

The suite makes it of a data set; :func:`from_arrays` and :func:`from_folder` make it of anybody's images.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from normeq.errors import NormeqError, install
from normeq.imaging.names import image_names
from normeq.imaging.strays import is_stray, walk
from normeq.system.hashes import digest, sha256_of


@dataclass(frozen=True)
class LoadedImages:
    """Training images in memory.

    Attributes:
        arrays: gray images, uint8 (H, W) each, 0 black and 255 white; sizes may differ. A recipe's
            ``holdout`` keeps the last ones out.
        names: one for each, all different. They decide the noise that held-out images are validated with.
        left_out: how many files of their folder are no images, by the reason; for the record.

    Raises:
        NormeqError: no image, an image of another type or shape, or names that do not fit; the line names
            the image and the remedy.
    """

    arrays: Sequence[np.ndarray]
    names: Sequence[str]
    left_out: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.arrays):
            raise NormeqError("no images to train on")
        if len(self.names) != len(self.arrays):
            raise NormeqError(f"{len(self.names)} names for {len(self.arrays)} training images")
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise NormeqError(f"two training images are called {twice[0]!r}: rename one")
        for name, array in zip(self.names, self.arrays, strict=True):
            if isinstance(array, np.ma.MaskedArray):
                raise NormeqError(
                    f"training image {name!r} is a masked array: fill in what is masked, image.filled(value)"
                )
            if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
                found = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
                raise NormeqError(
                    f"training image {name!r} is {found}, but training images are numpy arrays of uint8, "
                    "0 ... 255: convert it first"
                )
            if array.ndim != 2 or not array.size:
                raise NormeqError(
                    f"training image {name!r} has shape {array.shape}, but training images are gray, (H, W): "
                    "convert it first"
                )


@dataclass(frozen=True)
class TrainingImages:
    """The images of a run, read when it trains: a run that is complete needs none.

    Attributes:
        pin: a short text that changes when, and only when, the images do; part of a run's fingerprint.
        load: reads them.
    """

    pin: str
    load: Callable[[], LoadedImages]


def from_arrays(arrays: Sequence[np.ndarray], names: Sequence[str] | None = None) -> TrainingImages:
    """Train on arrays.

    >>> train(spec, "runs/mine", from_arrays(images))  # doctest: +SKIP

    Args:
        arrays, names: as in :class:`LoadedImages`; without names they are called 0, 1, …. Copies are kept:
            the pin is that of the images as they are now.

    Raises:
        NormeqError: see :class:`LoadedImages`.
    """
    arrays = list(arrays)
    given = LoadedImages(arrays, [str(name) for name in (range(len(arrays)) if names is None else names)])
    loaded = replace(given, arrays=[array.copy() for array in arrays])
    content = [hashlib.sha256(array.tobytes()).hexdigest() for array in loaded.arrays]
    shapes = [array.shape for array in loaded.arrays]
    return TrainingImages(f"arrays-{digest([shapes, content])[:32]}", lambda: loaded)


def from_folder(folder: str | Path) -> TrainingImages:
    """Train on the images of a folder and of those below it, sorted by path; reading them needs Pillow.

    Hidden files and those that are no images are left out and counted. Colour becomes gray
    (:func:`normeq.imaging.images.read_gray_uint8`).

    Raises:
        NormeqError: no such folder, no images in it, or two of one name; Pillow is not installed. Files that
            cannot be read are named when training begins.
    """
    try:
        from normeq.imaging.images import SUFFIXES, read_gray_uint8
    except ModuleNotFoundError as error:
        raise NormeqError(f"image files are read by Pillow: {install('files')}") from error

    folder = Path(folder)
    if not folder.is_dir():
        raise NormeqError(f"no folder {folder}: name a folder of images")
    files: list[Path] = []
    left_out: Counter[str] = Counter()
    for relative in walk(folder):
        suffix = relative.suffix.lower()
        if is_stray(relative):
            left_out["hidden"] += suffix in SUFFIXES
        elif suffix in SUFFIXES:
            files.append(relative)
        else:
            left_out[suffix or "without suffix"] += 1
    if not files:
        raise NormeqError(f"no images in {folder}: name a folder of images ({', '.join(sorted(SUFFIXES))})")
    names = image_names(files)
    for name, count in Counter(names).items():
        if count > 1:
            first, second = (file for own, file in zip(names, files, strict=True) if own == name)
            raise NormeqError(
                f"{folder / first} and {folder / second} are both the image {name!r}: rename one"
            )
    hashes = sha256_of(folder / file for file in files)
    lines = [[file.as_posix(), hashes[folder / file]] for file in files]

    def load() -> LoadedImages:
        return LoadedImages([read_gray_uint8(folder / file) for file in files], names, dict(+left_out))

    return TrainingImages(f"folder-{digest(lines)[:32]}", load)
