"""``normeq.denoise``: any image, in its own type and range."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from normeq.denoisers.axes import channels_back, channels_third, check_array, single_images
from normeq.denoisers.opened import Opened, open_network
from normeq.denoisers.tiles import Tile, check_tile, tiles
from normeq.denoisers.values import as_float64, mean_inside, value_map
from normeq.errors import NormeqError, is_out_of_memory
from normeq.nn.inputs import check_output
from normeq.system.arithmetic import tf32

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

Image = TypeVar("Image", np.ndarray, Tensor)
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
    check_array(image)
    found = open_network(network, _device(image, network, device))
    level = check_sigma(sigma, found)
    span = _range(range, found, image)
    check_tile(tile, found)
    if gradients:
        _check_gradients(image, tile, found)
    views = list(single_images(channels_third(image, channel_axis, found), found.channels))
    if gradients:
        with _explained(found, tile), torch.enable_grad():
            parts = [_differentiable(view, found, level, span) for view in views]
            result = torch.stack(parts).reshape(channels_third(image, channel_axis, found).shape)
            return channels_back(result, image, channel_axis)
    if isinstance(image, np.ndarray):
        result = np.empty(image.shape, image.dtype)
    else:
        result = torch.empty(image.shape, dtype=image.dtype, device=image.device)
    targets = single_images(channels_third(result, channel_axis, found), found.channels)
    done = 0
    with _explained(found, tile), torch.no_grad(), tf32(False):
        for view, target in zip(views, targets, strict=True):
            for part in _denoise_one(view, target, found, level, span, tile):
                done += part
                if progress is not None:
                    progress(done / sum(math.prod(one.shape[-2:]) for one in views))
    return result


def _denoise_one(
    view: Any, target: Any, found: Opened, sigma: float | None, span: tuple[float, float] | None, tile: Any
) -> Iterator[int]:
    """Denoise one image (C, H, W) into ``target``; after each tile its number of pixels."""
    height, width = view.shape[-2:]
    change = value_map(view, found, span)
    if change.constant:
        target[...] = view
        yield height * width
        return
    extended = _extended(height, width, found)
    mean = change.shift + change.scale * mean_inside(view, change) if extended != (height, width) else 0.0
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
    change = value_map(view.detach(), found, span)
    scale = 1.0 if change.constant else change.scale
    inside = ((view.double() - change.shift) / scale).to(found.dtype)[None].to(found.device)
    level = None if sigma is None else sigma / scale
    if found.whole:  # mean and deviation are differentiated too
        output = found.module(inside) if level is None else found.module(inside, level)
        check_output(output, inside, found.name)
    else:
        output = found.function(inside, level)
    if not bool(output.isfinite().all()):
        raise NormeqError(f"{found.name}: gave NaN or infinity")
    return (output[0].double() * scale + change.shift).to(view.device, view.dtype)


def _extended(height: int, width: int, found: Opened) -> tuple[int, int]:
    """Size of an image that is extended by its mean for the network."""
    if found.margin is None or found.reach is None:
        return height, width
    multiple, least = found.reach.multiple, found.margin
    rows, columns = (max(-(-size // multiple) * multiple, least) for size in (height, width))
    return rows, columns


def _read(view: Any, part: Tile, mean: float) -> Tensor:
    """A tile as float64; what lies beyond the image is its mean."""
    rows, columns = part.outer
    block = as_float64(view[:, rows, columns])
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
    if not (math.isfinite(low) and math.isfinite(high - low) and low < high):
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
    if torch.is_inference_mode_enabled():
        raise NormeqError("gradients: torch.inference_mode has none: leave one of the two out")
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
