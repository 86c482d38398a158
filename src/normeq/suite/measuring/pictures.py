"""Pictures of one image crop: what their measurements share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from normeq.errors import NormeqError

if TYPE_CHECKING:
    import numpy as np

    from normeq.denoisers.open import Denoiser
    from normeq.suite.data.listing import ImageFile


class Crop(NamedTuple):
    """A square part of an image: top row, left column, side, in pixels."""

    row: Annotated[int, Field(ge=0)]
    column: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]


def noisy_versions(
    image: str, sigmas: Sequence[float], data_dir: str | Path
) -> tuple[ImageFile, np.ndarray, list[np.ndarray]]:
    """What was asked for, the clean image, and draw 0 of its noise at every σ (8-bit units)."""
    from normeq.imaging.protocol import PAPER
    from normeq.suite.data import listing

    ((file, clean),) = list(listing.read([listing.find_image(image, data_dir)]))
    return file, clean, [PAPER.noisy(clean, sigma, file.dataset, file.name, 0) for sigma in sigmas]


def cut(array: np.ndarray, crop: Crop, image: str) -> np.ndarray:
    """The crop of an array (H, W).

    Raises:
        NormeqError: it leaves the image.
    """
    row, column, size = crop
    part = array[row : row + size, column : column + size]
    if part.shape != (size, size) or min(crop) < 0:
        raise NormeqError(
            f"{image}: the crop {tuple(crop)} (row, column, size) leaves the image of shape {array.shape}"
        )
    return part


def surroundings(denoiser: Denoiser, noisy: np.ndarray, crop: Crop) -> tuple[np.ndarray, Crop]:
    """The part of an image that decides the crop of the denoised image: the crop with what the network sees
    around it, or the whole where that is not known, or is all of it.

    Args:
        denoiser: what denoises, on the nominal range.
        noisy: the image (H, W).
        crop: within it.

    Returns:
        The part, and where the crop is in it.
    """
    from normeq.denoisers.tiles import part
    from normeq.nn import NormalizationWrapper
    from normeq.nn.reach import reach

    network = denoiser.module
    seen = None if network is None else reach(network)
    # A wrapped network takes mean and deviation of the whole; what extends an image may be its mean.
    if seen is None or (isinstance(network, NormalizationWrapper) and not network.local):
        return noisy, crop
    if any(side % seen.multiple for side in noisy.shape):
        return noisy, crop
    row, column, size = crop
    rows, columns = part(slice(row, row + size), slice(column, column + size), *noisy.shape, seen).outer
    return noisy[rows, columns], Crop(row - rows.start, column - columns.start, size)


def meta(denoiser: Denoiser, file: ImageFile, crop: Crop, **more: str) -> str:
    """What a file of pictures shows, as JSON; ``more`` beside."""
    from normeq.denoisers.open import describe

    return describe(denoiser, dataset=file.dataset, image=file.name, crop=list(crop), **more)
