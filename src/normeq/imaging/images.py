"""Reading images as gray arrays by the paper's protocol: Pillow's ``convert("L")`` (ITU-R 601) for colour.

What decides a sample's meaning (sign, polarity, depth, channels) is read from the file. It is honoured, or
the file is refused in one line that says what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from normeq.errors import NormeqError
from normeq.imaging.pillow import GRAY16, KINDS, MIN_IS_WHITE, PHOTOMETRIC, SAMPLE_FORMAT, opened, tiff_kind

SUFFIXES = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .bmp .dib .tif .tiff .pbm .pgm .ppm .pnm .pfm .webp .gif "
    ".jp2 .j2k .j2c .jpc .jpf .jpx".split()
)
BT709 = np.array([0.2125, 0.7154, 0.0721], dtype=np.float32)  # as scikit-image's rgb2gray
Span = tuple[float, float]


@dataclass(frozen=True)
class Samples:
    """What a file holds.

    Attributes:
        values: (H, W), as stored (colour already as gray); larger is brighter.
        white: the value that the format calls white, with 0 as black; None where it names none (signed,
            32-bit and float samples).
        kind: such as ``16-bit gray``.
        colour: whether the file holds colour, by its kind and not by its pixels.
    """

    values: np.ndarray
    white: int | None
    kind: str
    colour: bool = False


def read_gray(path: Path | str, span: Span | None = None) -> np.ndarray:
    """The image as float32 (H, W) in [0, 1].

    8-bit gray and colour is divided by 255, 16-bit gray by 65535, 12-bit TIFF by 4095. A fully opaque alpha
    channel is dropped. Pixels stay as stored: not turned by the orientation of EXIF or TIFF, no colour
    profile.

    Args:
        path: the file.
        span: the values (lowest, highest) that become 0 and 1, where its data set declares them
            (``range`` in ``datasets.yaml``); with it signed, 32-bit and float samples are read as well.

    Raises:
        NormeqError: missing, empty, truncated or not an image; transparent; colour of more than 8 bits; CMYK;
            more than one page; channels without a meaning; without ``span`` signed, 32-bit or float samples;
            with it values outside it, or not finite. One line that names the file.
    """
    return _scaled(Path(path), read_samples(path), span)


def read_gray_bt709(path: Path | str, span: Span | None = None) -> np.ndarray:
    """As ``read_gray``, but colour through the luma weights of BT.709, not rounded: scikit-image's
    ``rgb2gray``.

    Raises:
        NormeqError: as ``read_gray``.
    """
    return _scaled(Path(path), _decode(Path(path), bt709=True), span)


def is_colour(path: Path | str) -> bool:
    """Whether a file holds colour, by its kind and not by its pixels.

    Raises:
        NormeqError: as ``read_samples``.
    """
    return read_samples(path).colour


def read_gray_uint8(path: Path | str, span: Span | None = None) -> np.ndarray:
    """The image as uint8 (H, W) in 0 ... 255, for training sets held in memory.

    Raises:
        NormeqError: as ``read_gray``, and for images of more than 8 bits, or with another range than 0 ...
            255: they would silently lose some of their values.
    """
    samples = read_samples(path)
    if samples.values.dtype != np.uint8 or samples.white != 255:
        raise NormeqError(f"{path}: {samples.kind}, but training images are 8-bit: convert it first")
    if span not in (None, (0, 255)):
        raise NormeqError(
            f"{path}: its data set declares the range {_text(span)}, but training images are 8-bit and fill "
            f"0 ... 255: convert them first"
        )
    return samples.values


def read_samples(path: Path | str) -> Samples:
    """What a file holds, whatever its range.

    Raises:
        NormeqError: as ``read_gray``, but for what concerns the range.
    """
    return _decode(Path(path), bt709=False)


def middle(image: np.ndarray, size: int) -> np.ndarray:
    """The square of ``size`` pixels in the middle of an image (H, W); 0, or more than it has, keeps all."""
    for axis, length in enumerate(image.shape):
        if 0 < size < length:
            image = np.take(image, range((length - size) // 2, (length + size) // 2), axis)
    return image


def _scaled(path: Path, samples: Samples, span: Span | None) -> np.ndarray:
    values = samples.values
    if span is None and samples.white is not None:
        return values.astype(np.float32) / np.float32(samples.white)
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise NormeqError(f"{path}: {bad} pixels are NaN or infinite: fill them in, or leave the image out")
    used = (values.min().item(), values.max().item())
    if span is None:
        raise NormeqError(
            f"{path}: {samples.kind}, values {_text(used)}: which of them are black and white is not in the "
            f"file: declare `range: [low, high]` of its data set in datasets.yaml, or convert it to 8-bit or "
            f"16-bit gray"
        )
    low, high = span
    if used[0] < low or used[1] > high:
        raise NormeqError(
            f"{path}: values {_text(used)} leave the range {_text(span)} that datasets.yaml declares: "
            f"correct it, or the image"
        )
    return ((values.astype(np.float64) - low) / (high - low)).astype(np.float32)


def _text(span: Span) -> str:
    return f"{span[0]:g} ... {span[1]:g}"


def _decode(path: Path, bt709: bool) -> Samples:
    with opened(path) as (image, depth):
        return _samples(path, image, depth, bt709)


def _samples(path: Path, image: Image.Image, depth: int | None, bt709: bool) -> Samples:
    if image.mode in GRAY16 | {"I", "F"}:
        return _deep(path, image, depth)
    if image.format == "TIFF" and 2 in image.tag_v2.get(SAMPLE_FORMAT, ()):
        return Samples(np.asarray(image).view(np.int8), None, "8-bit signed gray")  # read as unsigned
    colour = image.mode not in {"1", "L", "LA", "La"}
    if image.has_transparency_data:
        image = image.convert("LA") if image.mode == "La" else image
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] < 255:
            raise NormeqError(f"{path}: transparent pixels: flatten it on a background first")
        image = image.convert("RGB")
    if image.mode == "P":
        image = image.convert("RGB")
    if image.mode not in {"1", "L", "RGB"}:
        raise NormeqError(f"{path}: {image.mode} pixels: convert it to 8-bit gray or colour, or 16-bit gray")
    kind = "8-bit colour" if colour else "8-bit gray"
    if bt709 and colour:
        return Samples(np.asarray(image.convert("RGB"), dtype=np.float32) @ BT709, 255, kind, colour)
    values = np.asarray(image.convert("L"))
    if depth is not None and depth < 255 and image.mode == "L" and image.format in ("PPM", "JPEG2000"):
        kind = f"gray of 0 ... {depth}"
        if image.format == "PPM":  # Pillow has spread its values to 0 ... 255
            return Samples(np.rint(values * (depth / 255)).astype(np.uint8), depth, kind)
        return Samples(values >> (8 - depth.bit_length()), depth, kind)  # Pillow has shifted them up
    return Samples(values, 255, kind, colour)


def _deep(path: Path, image: Image.Image, depth: int | None) -> Samples:
    """Samples of more than 8 bits."""
    values = np.asarray(image)
    if "transparency" in image.info and (values == image.info["transparency"]).any():
        raise NormeqError(f"{path}: transparent pixels: flatten it on a background first")
    if image.format == "TIFF":
        bits = depth.bit_length()
        sample_format = image.tag_v2.get(SAMPLE_FORMAT, (1,))[0]
        inverted = image.tag_v2.get(PHOTOMETRIC, MIN_IS_WHITE) == MIN_IS_WHITE
        if sample_format == 1 and bits <= 16:
            values = values.astype(np.uint16)
            return Samples(depth - values if inverted else values, depth, f"{bits}-bit gray")
        if inverted:
            raise NormeqError(f"{path}: {tiff_kind(image.tag_v2)}: convert it so that larger is brighter")
        if sample_format == 1:
            values = values.view(np.uint32)  # Pillow reads them as signed
        return Samples(values, None, f"{bits}-bit {KINDS[sample_format]} gray")
    if image.mode == "F":
        return Samples(values, None, "32-bit float gray")
    if image.format == "JPEG2000":  # Pillow has shifted them to the top of 16 bits
        return Samples(
            values.astype(np.uint16) >> (16 - depth.bit_length()), depth, f"{depth.bit_length()}-bit gray"
        )
    if image.format == "PPM":  # Pillow has spread them to 0 ... 65535
        return Samples(np.rint(values * (depth / 65535)).astype(np.uint16), depth, f"gray of 0 ... {depth}")
    if image.mode == "I":
        return Samples(values, None, "32-bit integer gray")
    return Samples(values.astype(np.uint16), 65535, "16-bit gray")
