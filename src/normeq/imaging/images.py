"""Reading images as gray arrays by the paper's protocol: Pillow's `convert("L")` (ITU-R 601) for colour."""

from pathlib import Path

import numpy as np
from PIL import Image

from normeq.errors import NormeqError

GRAY16 = {"I;16", "I;16L", "I;16B", "I;16N"}
BITS_PER_SAMPLE = 258  # TIFF tag
DAMAGED = (OSError, SyntaxError, ValueError, EOFError)  # what Pillow's decoders raise on damaged files


def read_gray(path: Path | str) -> np.ndarray:
    """The image as float32 (H, W) in [0, 1].

    8-bit gray and colour is divided by 255; 16-bit gray by 65535. A fully opaque alpha channel is dropped.
    Pixels stay as stored: no EXIF rotation, no colour profile.

    Raises:
        NormeqError: missing, empty, truncated or not an image; transparent; 16-bit colour; float or 32-bit;
            CMYK; more than one page. One line that names the file.
    """
    pixels = _decode(Path(path))
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def is_colour(path: Path | str) -> bool:
    """Whether a file holds colour, by its kind and not by its pixels.

    Raises:
        NormeqError: as `read_gray`.
    """
    _decode(Path(path))
    with Image.open(path) as image:
        return image.mode not in GRAY16 | {"1", "L", "LA"}


def read_gray_bt709(path: Path | str) -> np.ndarray:
    """As `read_gray`, but colour through the luma weights of BT.709, not rounded: scikit-image's `rgb2gray`.

    Raises:
        NormeqError: as `read_gray`.
    """
    if not is_colour(path):
        return read_gray(path)
    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB"), dtype=np.float32)
    return rgb @ np.array([0.2125, 0.7154, 0.0721], dtype=np.float32) / np.float32(255)


def read_gray_uint8(path: Path | str) -> np.ndarray:
    """The image as uint8 (H, W) in 0 ... 255, for training sets held in memory.

    Raises:
        NormeqError: as `read_gray`, and for 16-bit images: they would silently lose half of their bits.
    """
    pixels = _decode(Path(path))
    if pixels.dtype != np.uint8:
        raise NormeqError(f"{path}: 16-bit gray, but training images are 8-bit: convert it first")
    return pixels


def middle(image: np.ndarray, size: int) -> np.ndarray:
    """The square of ``size`` pixels in the middle of an image (H, W); 0, or more than it has, keeps all."""
    for axis, length in enumerate(image.shape):
        if 0 < size < length:
            image = np.take(image, range((length - size) // 2, (length + size) // 2), axis)
    return image


def _decode(path: Path) -> np.ndarray:
    """Gray pixels, uint8 or uint16 (H, W)."""
    try:
        if path.stat().st_size == 0:
            raise NormeqError(f"{path}: empty file (0 bytes): get it again")
        with Image.open(path) as image:
            _refuse(path, image)
            image.load()
            return _to_gray(path, image)
    except FileNotFoundError as error:
        raise NormeqError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise NormeqError(f"{path}: a folder, not an image") from error
    except PermissionError as error:
        raise NormeqError(f"{path}: no permission to read it") from error
    except Image.UnidentifiedImageError as error:
        raise NormeqError(
            f"{path}: not an image that can be read (PNG, JPEG, TIFF, BMP): is it another file?"
        ) from error
    except Image.DecompressionBombError as error:
        raise NormeqError(f"{path}: too many pixels: cut it into pieces") from error
    except DAMAGED as error:
        raise NormeqError(f"{path}: damaged or truncated image ({error}): get it again") from error


def _refuse(path: Path, image: Image.Image) -> None:
    """Refuses what Pillow would read otherwise than it is: more pages, colour of more than 8 bits."""
    if getattr(image, "n_frames", 1) > 1:
        raise NormeqError(f"{path}: {image.n_frames} pages or frames, one is needed: save one alone")
    bits: tuple[int, ...] = ()
    if image.format == "TIFF":
        bits = image.tag_v2.get(BITS_PER_SAMPLE, ())
    elif image.format == "PNG":
        with path.open("rb") as stream:
            bits = (stream.read(25)[24],)  # 8 signature, 4 length, 4 type, 8 size, then IHDR's bit depth
    if image.mode not in GRAY16 | {"I", "F"} and max(bits, default=8) > 8:
        raise NormeqError(f"{path}: 16-bit colour or alpha: convert it to 8-bit colour or 16-bit gray")


def _to_gray(path: Path, image: Image.Image) -> np.ndarray:
    if image.mode in GRAY16:
        return np.asarray(image).astype(np.uint16)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] < 255:
            raise NormeqError(f"{path}: transparent pixels: flatten it on a background first")
        image = image.convert("RGB")
    if image.mode == "P":
        image = image.convert("RGB")
    if image.mode not in {"1", "L", "RGB"}:
        what = {"F": "float", "I": "32-bit integer"}.get(image.mode, image.mode)
        raise NormeqError(f"{path}: {what} pixels: convert it to 8-bit gray or colour, or 16-bit gray")
    return np.asarray(image.convert("L"))
