"""What an array of images is: its number format, its axes, and the single images in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from normeq.denoisers.opened import Opened
from normeq.errors import NormeqError

THIN = 4  # a last axis of so many pixels or fewer is one of channels


def check_array(image: object) -> None:
    """Refuse what is no array of numbers with a pixel in it.

    Raises:
        NormeqError: masked, of another type, of booleans or complex numbers, or empty.
    """
    if isinstance(image, np.ma.MaskedArray):
        raise NormeqError("masked arrays are not taken: fill in what is masked, image.filled(value)")
    if isinstance(image, np.ndarray):
        good = image.dtype.kind in "iu" or image.dtype.kind == "f" and image.dtype.itemsize <= 8
        size = image.size
    elif isinstance(image, Tensor):
        good = image.dtype != torch.bool and not image.is_complex() and not image.is_quantized
        size = image.numel()
    else:
        raise NormeqError(f"image must be a NumPy array or a torch tensor, not {type(image).__name__}")
    if not good:
        raise NormeqError(f"image of {image.dtype}: convert it to integers or floating-point numbers first")
    if not size:
        raise NormeqError(f"image of shape {tuple(image.shape)} has no pixels")


def channels_third(array: Any, channel_axis: int | None, found: Opened) -> Any:
    """A view of (…, C, H, W).

    Raises:
        NormeqError: the axes, or the number of channels, are not those of images for the network.
    """
    shape = tuple(array.shape)
    if channel_axis is None:
        if len(shape) < 2:
            raise NormeqError(f"expected an image (H, W) or a stack (…, H, W), got shape {shape}")
        if len(shape) > 2 and shape[-1] <= THIN < shape[-2]:
            raise NormeqError(
                f"shape {shape} would be images {shape[-1]} pixels wide: give channel_axis=-1 if the last "
                "axis is that of the channels, or denoise such images one by one"
            )
        if found.channels != 1:
            raise NormeqError(
                f"{found.name}: takes images of {found.channels} channels: say which axis has them, "
                "channel_axis=-1 for (…, H, W, C)"
            )
        return array[..., None, :, :]
    if isinstance(channel_axis, bool) or not isinstance(channel_axis, int | np.integer):
        raise NormeqError(f"channel_axis must be an axis or None, not {channel_axis!r}")
    if len(shape) < 3 or not -len(shape) <= channel_axis < len(shape):
        raise NormeqError(
            f"channel_axis={channel_axis}: an image of shape {shape} has no axis of channels there"
        )
    moved = (np if isinstance(array, np.ndarray) else torch).moveaxis(array, channel_axis, -3)
    if found.channels not in (1, moved.shape[-3]):
        raise NormeqError(
            f"{found.name}: takes images of {found.channels} channels, and axis {channel_axis} of shape "
            f"{shape} has {moved.shape[-3]}"
        )
    return moved


def channels_back(result: Tensor, image: Tensor, channel_axis: int | None) -> Tensor:
    """The axes of ``image`` again, of what :func:`channels_third` made of them."""
    return result.reshape(image.shape) if channel_axis is None else result.moveaxis(-3, channel_axis)


def single_images(array: Any, channels: int) -> Iterator[Any]:
    """Views of single images (C, H, W), with as many channels as the network takes."""
    for index in np.ndindex(*array.shape[:-3]):
        for first in range(0, array.shape[-3], channels):
            yield array[(*index, slice(first, first + channels))]
