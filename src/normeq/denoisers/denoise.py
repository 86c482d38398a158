"""``normeq.denoise``: any image, in its own type and range."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from normeq.denoisers.opened import Opened, open_network
from normeq.denoisers.precision import tf32
from normeq.denoisers.tiles import Tile, check_tile, tiles
from normeq.errors import NormeqError, is_out_of_memory
from normeq.imaging.protocol import FAR

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

Image = TypeVar("Image", np.ndarray, Tensor)
STRIP = 2**20  # numbers of an image that are looked at together
THIN = 4  # a last axis of so many pixels or fewer is one of channels
DEFAULT = "fdncnn-norm-sigma25"


def denoise(
    image: Image,
    network: str | Path | nn.Module | Callable[..., Any] | Opened = DEFAULT,
    *,
    sigma: float | None = None,
    range: tuple[float, float] | None = None,
    channel_axis: int | None = None,
    tile: int | Literal["auto"] | None = "auto",
    device: str | torch.device = "auto",
    gradients: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Image:
    """Denoise an image or a stack of images, in the range and type that they have.

    >>> clean = normeq.denoise(noisy)  # doctest: +SKIP
    >>> clean = normeq.denoise(colour, channel_axis=-1)  # doctest: +SKIP
    >>> clean = normeq.denoise(counts, "drunet", sigma=12, range=(100, 4095))  # doctest: +SKIP

    Normalization-equivariant networks (``norm``, ``invariant``, ``wrapped``) take values as they are: what is
    denoised is the same picture in every range. Where the mean of an image is far from zero it is taken out
    first, which is the same map with less rounding (:mod:`normeq.equivariance.centring`). All other networks
    were trained on images in [0, 1] and must be told which values these are.

    Args:
        image: NumPy array or torch tensor of integers or floating-point numbers (not bool, not complex),
            (H, W), or (…, H, W) for a stack of images that have nothing to do with each other; at least one
            pixel, no NaN, no infinity.
        network: name of a trained network (``normeq networks``), run folder, ``file.py:callable``, module or
            function; see :func:`normeq.denoisers.opened.open_network`.
        sigma: standard deviation of the noise in the units of the image, for networks that take it and only
            for these.
        range: the values that are black and white, for networks that are not normalization-equivariant (for
            the others it changes nothing). 8-bit images have (0, 255) if it is not given. Values outside it
            are no error.
        channel_axis: axis of the channels, as in scikit-image; None for gray images. A network for gray
            images takes each channel by itself, one for colour takes them together.
        tile: see :func:`normeq.denoisers.tiles.tiles`. Tiles overlap by as much as the network sees, so that
            the result is that of the whole image.
        device: ``auto`` takes a GPU where there is one (a module that is given stays where it is); otherwise
            ``cpu``, ``cuda`` or ``cuda:N``. Images are moved there and back tile by tile.
        gradients: let the result be differentiated; of floating-point tensors only, which are taken whole.
        progress: called with the part that is done, from 0 to 1.

    Returns:
        Denoised images, of the type, number format, shape and device of ``image``. Integers are rounded and
        clipped to their format; floating-point numbers are not clipped.

    Raises:
        NormeqError: one line that names the argument and the remedy.
    """
    _check_array(image)
    found = open_network(network, _device(image, network, device))
    level = check_sigma(sigma, found)
    span = _range(range, found, image)
    check_tile(tile, found)
    if gradients:
        _check_gradients(image, tile, found)
    views = list(_single(_channels_third(image, channel_axis, found), found.channels))
    if gradients:
        with _explained(found, tile), torch.enable_grad():
            parts = [_differentiable(view, found, level, span) for view in views]
            result = torch.stack(parts).reshape(_channels_third(image, channel_axis, found).shape)
            return _channels_back(result, image, channel_axis)
    if isinstance(image, np.ndarray):
        result = np.empty(image.shape, image.dtype)
    else:
        result = torch.empty(image.shape, dtype=image.dtype, device=image.device)
    targets = _single(_channels_third(result, channel_axis, found), found.channels)
    done = 0
    with _explained(found, tile), torch.no_grad(), tf32(False):
        for view, target in zip(views, targets, strict=True):
            for part in _denoise_one(view, target, found, level, span, tile):
                done += part
                if progress is not None:
                    progress(done / sum(math.prod(one.shape[-2:]) for one in views))
    return result


@dataclass(frozen=True)
class _Map:
    """What is done to the values of an image on the way into a network, (y - shift) / scale, and undone on
    the way out; ``constant``: there is nothing to denoise."""

    shift: float
    scale: float
    constant: bool = False


def _denoise_one(
    view: Any, target: Any, found: Opened, sigma: float | None, span: tuple[float, float] | None, tile: Any
) -> Iterator[int]:
    """Denoise one image (C, H, W) into ``target``; after each tile its number of pixels."""
    height, width = view.shape[-2:]
    change = _values(view, found, span)
    if change.constant:
        target[...] = view
        yield height * width
        return
    extended = _extended(height, width, found)
    mean = change.shift + change.scale * _mean_inside(view, change) if extended != (height, width) else 0.0
    for part in tiles(*extended, tile, found):
        y = _read(view, part, mean).sub_(change.shift).div_(change.scale)
        inside = y.to(found.dtype)[None].to(found.device)
        where = y.device
        del y  # memory counts here
        output = found.function(inside, None if sigma is None else sigma / change.scale)
        del inside
        output = output[0, :, *part.inner].to(where, torch.float64, copy=True)
        if not bool(output.isfinite().all()):
            raise NormeqError(f"{found.name}: gave NaN or infinity")
        _write(target, part, output.mul_(change.scale).add_(change.shift))
        (rows, columns) = part.core
        yield max(min(rows.stop, height) - rows.start, 0) * max(min(columns.stop, width) - columns.start, 0)


def _differentiable(
    view: Tensor, found: Opened, sigma: float | None, span: tuple[float, float] | None
) -> Tensor:
    """One image (C, H, W) denoised whole, differentiably. A shift or scale that is taken out is a constant:
    a map that follows it has the same derivative."""
    change = _values(view.detach(), found, span)
    scale = 1.0 if change.constant else change.scale
    inside = ((view.double() - change.shift) / scale).to(found.dtype)[None].to(found.device)
    level = None if sigma is None else sigma / scale
    runs = found.module or found.function
    output = runs(inside) if level is None else runs(inside, level)
    return (output[0].double() * scale + change.shift).to(view.device, view.dtype)


def _values(view: Any, found: Opened, span: tuple[float, float] | None) -> _Map:
    """How values come to the network, from the whole image: the same for all of its tiles.

    Raises:
        NormeqError: NaN or infinity.
    """
    mean, largest, bad = _mean_and_largest(view)
    if bad:
        raise NormeqError(f"{bad} pixels are NaN or infinite: fill them in, or cut them away")
    if span is not None:
        return _Map(span[0], span[1] - span[0])
    if not largest:
        return _Map(mean, 1.0, constant=found.whole)
    deviation = largest * math.sqrt(_mean_square(view, mean, largest))
    if found.whole:
        return _Map(mean, deviation)
    # A power of two changes no digit, and nothing over- or underflows inside the network.
    far = abs(mean) > FAR * deviation
    top = largest if far else max(abs(_largest(view)), largest)
    return _Map(mean if far else 0.0, 2.0 ** math.floor(math.log2(top)))


def _strips(view: Any) -> Iterator[Tensor]:
    rows = max(STRIP // max(math.prod(view.shape) // view.shape[-2], 1), 1)
    for start in builtins.range(0, view.shape[-2], rows):
        yield _double(view[:, start : start + rows])


def _mean_and_largest(view: Any) -> tuple[float, float, int]:
    """Mean, largest |value - mean|, and how many values are not finite."""
    total, bad, low, high = 0.0, 0, math.inf, -math.inf
    size = math.prod(view.shape)
    for strip in _strips(view):
        bad += int((~strip.isfinite()).sum())
        total += float((strip / size).sum())
        low, high = min(low, float(strip.min())), max(high, float(strip.max()))
    mean = min(max(total, low), high)
    return mean, max(high - mean, mean - low), bad


def _largest(view: Any) -> float:
    return max(float(strip.abs().max()) for strip in _strips(view))


def _mean_square(view: Any, mean: float, unit: float) -> float:
    """Mean of ((value - mean) / unit)²."""
    size = math.prod(view.shape)
    return sum(float(((strip - mean) / unit).square().sum()) for strip in _strips(view)) / size


def _mean_inside(view: Any, change: _Map) -> float:
    """Mean of an image as the network gets it."""
    size = math.prod(view.shape)
    return sum(float(((strip - change.shift) / change.scale).sum()) for strip in _strips(view)) / size


def _extended(height: int, width: int, found: Opened) -> tuple[int, int]:
    """Size of an image that is extended by its mean for the network."""
    if found.margin is None or found.reach is None:
        return height, width
    multiple, least = found.reach.multiple, found.margin
    rows, columns = (max(-(-size // multiple) * multiple, least) for size in (height, width))
    return rows, columns


def _double(block: Any) -> Tensor:
    """float64, as a copy."""
    if isinstance(block, np.ndarray):
        return torch.from_numpy(np.array(block, dtype=np.float64, order="C"))
    block = block.detach()
    return (block if block.device.type in ("cpu", "cuda") else block.cpu()).to(torch.float64, copy=True)


def _read(view: Any, part: Tile, mean: float) -> Tensor:
    """A tile as float64; what lies beyond the image is its mean."""
    rows, columns = part.outer
    block = _double(view[:, rows, columns])
    below, right = rows.stop - rows.start - block.shape[1], columns.stop - columns.start - block.shape[2]
    return torch.nn.functional.pad(block, (0, right, 0, below), value=mean) if below or right else block


def _write(target: Any, part: Tile, values: Tensor) -> None:
    rows, columns = part.core
    place = target[:, rows, columns]
    values = values[:, : place.shape[1], : place.shape[2]]
    if isinstance(target, Tensor):
        if not target.dtype.is_floating_point:
            low, high = _limits(torch.iinfo(target.dtype))
            values = values.round().clamp_(low, high)
        place.copy_(values.to(target.dtype))
        return
    array = values.cpu().numpy()
    if target.dtype.kind in "iu":
        np.clip(np.rint(array, out=array), *_limits(np.iinfo(target.dtype)), out=array)
    with np.errstate(over="ignore"):  # beyond the largest number of the format is infinity
        place[...] = array.astype(target.dtype)


def _limits(info: Any) -> tuple[float, float]:
    """The least and greatest float64 within an integer format."""
    high = float(info.max)
    return float(info.min), high if int(high) <= info.max else math.nextafter(high, 0.0)


def _channels_third(array: Any, channel_axis: int | None, found: Opened) -> Any:
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


def _channels_back(result: Tensor, image: Tensor, channel_axis: int | None) -> Tensor:
    return result.reshape(image.shape) if channel_axis is None else result.moveaxis(-3, channel_axis)


def _single(array: Any, channels: int) -> Iterator[Any]:
    """Views of single images (C, H, W), with as many channels as the network takes."""
    for index in np.ndindex(*array.shape[:-3]):
        for first in builtins.range(0, array.shape[-3], channels):
            yield array[(*index, slice(first, first + channels))]


def _check_array(image: object) -> None:
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


def check_sigma(sigma: object, found: Opened) -> float | None:
    """σ for a network.

    Raises:
        NormeqError: it is missing, not wanted, or no number from 0 on.
    """
    if sigma is None:
        if found.needs_sigma:
            raise NormeqError(f"{found.name}: is non-blind: give sigma, in the units of the image")
        return None
    if not found.takes_sigma:
        raise NormeqError(f"{found.name}: is blind and takes no sigma: leave it out")
    try:
        level = float(sigma)
    except (TypeError, ValueError):
        level = math.nan
    if isinstance(sigma, bool) or not math.isfinite(level) or level < 0:
        raise NormeqError(f"sigma must be one number, not negative, in the units of the image; not {sigma!r}")
    return level


def check_range(span: object) -> tuple[float, float]:
    """Black and white as two numbers.

    Raises:
        NormeqError: they are not.
    """
    try:
        low, high = (float(number) for number in span)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise NormeqError(f"range must be (lo, hi) with lo < hi, not {span!r}")
    return low, high


def _range(span: object, found: Opened, image: Any) -> tuple[float, float] | None:
    """The range for a network that needs one, else None."""
    given = None if span is None else check_range(span)
    if found.equivariant:
        return None
    if given is None and image.dtype in (np.uint8, torch.uint8):
        return 0.0, 255.0
    if given is None:
        raise NormeqError(
            f"{found.name}: is not normalization-equivariant, so it must be told which values of a "
            f"{str(image.dtype).removeprefix('torch.')} image are black and white: give range=(lo, hi)"
        )
    return given


def _check_gradients(image: Any, tile: object, found: Opened) -> None:
    if not isinstance(image, Tensor) or not image.dtype.is_floating_point:
        raise NormeqError("gradients: only of floating-point torch tensors")
    if found.module is None:
        raise NormeqError(f"{found.name}: a function of arrays has no gradients: leave gradients out")
    if tile not in ("auto", None):
        raise NormeqError("gradients: need the whole image: leave tile out")


def _device(image: object, network: object, device: str | torch.device) -> str | torch.device:
    """That of an image on a GPU, where a network is named and no device is."""
    if str(device) == "auto" and isinstance(image, Tensor) and image.is_cuda:
        return image.device
    return device


@contextmanager
def _explained(found: Opened, tile: object) -> Iterator[None]:
    """One line where memory runs out."""
    try:
        yield
    except (RuntimeError, MemoryError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        where = "the GPU" if found.device.type == "cuda" else "this machine"
        remedy = "give a smaller tile" if found.reach is not None else "denoise parts of the image"
        raise NormeqError(f"out of memory on {where}: {remedy}") from error
