"""A data set as what the trainer takes."""

from __future__ import annotations

from pathlib import Path

from normeq.imaging.images import read_gray_uint8
from normeq.suite.data import listing
from normeq.suite.data.registry import pin
from normeq.training.images import LoadedImages, TrainingImages


def training_images(dataset: str, data_dir: Path | str = "data") -> TrainingImages:
    """The images of a data set, pinned as the registry says and read when a run trains.

    Args:
        dataset: of the registry, or the path of a folder of images, which has a `/` in it.
        data_dir: the folder of the data sets.

    Raises:
        NormeqError: unknown data set. Images that are missing, or not 8-bit, are named when they are read.
    """
    return TrainingImages(pin(dataset, Path(data_dir)), lambda: _load(dataset, Path(data_dir)))


def _load(dataset: str, data_dir: Path) -> LoadedImages:
    found = listing.list_images(dataset, data_dir)
    for image in found.images:
        image.check()
    images = [read_gray_uint8(image.path, image.span) for image in found.images]
    low, high = min(image.min() for image in images) / 255, max(image.max() for image in images) / 255
    if high - low < listing.LITTLE:
        listing.warn_of_little_range(dataset, low, high, found.images[0].path)
    return LoadedImages(images, [image.name for image in found.images], found.left_out)
