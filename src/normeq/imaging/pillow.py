"""Files opened by Pillow: what it gets wrong is mended, what it would read as something else is refused."""

from __future__ import annotations

import errno
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from normeq.errors import NormeqError

# The formats that are read. Pillow has more, some of which it cuts to 8 bits without a word.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "PPM", "WEBP", "GIF", "JPEG2000")
GRAY16 = {"I;16", "I;16L", "I;16B", "I;16N"}
WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, CHANNELS = 256, 257, 258, 262, 274, 277  # TIFF tags
EXTRA, SAMPLE_FORMAT = 338, 339
MIN_IS_WHITE, YCBCR = 0, 6  # values of PHOTOMETRIC
KINDS = {1: "unsigned", 2: "signed", 3: "float", 4: "undefined", 5: "complex integer", 6: "complex"}
PHOTOMETRICS = {
    0: "gray, min-is-white", 1: "gray", 2: "colour", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab",
}  # fmt: skip
DAMAGED = (OSError, SyntaxError, ValueError, EOFError)  # what Pillow's decoders raise on damaged files


@contextmanager
def opened(path: Path, limited: bool = True) -> Iterator[tuple[Image.Image, int | None]]:
    """A file's image with its pixels loaded, and the largest value of a sample in the file, where Pillow may
    give another.

    Args:
        limited: refuse images of as many pixels as Pillow thinks are an attack.

    Raises:
        NormeqError: as `read_samples`, but for what concerns the kinds of samples.
    """
    before = Image.MAX_IMAGE_PIXELS
    if not limited:
        Image.MAX_IMAGE_PIXELS = None
    try:
        with explained(path), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, such as of many pixels: what matters is raised
            with Image.open(path, formats=FORMATS) as image:
                _refuse(path, image)
                _mend_byte_order(image)
                _keep_orientation(image)
                _mend_transparency(path, image)
                depth = _depth(path, image)  # now: the header's words are gone once the pixels are there
                image.load()
                yield image, depth
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """One line that names the file for what goes wrong when it is read.

    Raises:
        NormeqError: it is missing, empty, no file, not permitted, damaged, or of another kind.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise NormeqError(f"{path}: a device or pipe, not an image")
        if status.st_size == 0:
            raise NormeqError(f"{path}: empty file (0 bytes): get it again")
        yield
    except FileNotFoundError as error:
        what = "a link to a file that is not there" if path.is_symlink() else "no such file"
        raise NormeqError(f"{path}: {what}") from error
    except IsADirectoryError as error:
        raise NormeqError(f"{path}: a folder, not an image") from error
    except PermissionError as error:
        raise NormeqError(f"{path}: no permission to read it") from error
    except Image.UnidentifiedImageError as error:
        raise NormeqError(f"{path}: {unidentified(path)}") from error
    except Image.DecompressionBombError as error:
        limit = 2 * Image.MAX_IMAGE_PIXELS // 10**6
        raise NormeqError(f"{path}: more than {limit} million pixels: cut it into pieces") from error
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno == errno.ELOOP:
            raise NormeqError(f"{path}: a link that leads to itself") from error
        if isinstance(error, OSError) and error.errno:  # of the file system, not of the decoder
            raise NormeqError(f"{path}: cannot be read ({error.strerror})") from error
        line = " ".join(str(error).split())
        raise NormeqError(f"{path}: damaged or truncated image ({line}): get it again") from error


def _refuse(path: Path, image: Image.Image) -> None:
    """Refuses what Pillow would read otherwise than it is: more pages, more channels than it shows, colour of
    more than 8 bits."""
    if getattr(image, "n_frames", 1) > 1:
        raise NormeqError(f"{path}: {image.n_frames} pages or frames, one is needed: save one alone")
    if image.format == "TIFF":
        spare = [kind for kind in image.tag_v2.get(EXTRA, ()) if kind not in (1, 2)]  # 1 and 2 are alpha
        if spare:
            raise NormeqError(
                f"{path}: {image.tag_v2.get(CHANNELS)} channels, {len(spare)} of them neither gray nor "
                f"colour nor alpha: save one image per channel"
            )
    gray = image.mode in GRAY16 | {"1", "L", "I", "F"}
    white = _depth(path, image) or 255
    shifted = image.format == "JPEG2000" and white < 255  # not spread, so that white is not 255
    if not gray and image.mode != "P" and (white > 255 or shifted):
        raise NormeqError(
            f"{path}: {white.bit_length()}-bit colour or alpha: convert it to 8-bit colour or 16-bit gray"
        )


def _depth(path: Path, image: Image.Image) -> int | None:
    """The largest value of a sample in the file, by its header, where Pillow may give another; None where its
    pixels are as they stand there, or are not unsigned."""
    if image.format == "TIFF":
        return 2 ** max(image.tag_v2.get(BITS, (1,))) - 1
    if image.format == "PNG":
        with path.open("rb") as stream:  # 8 signature, 4 length, 4 type, 8 size, then IHDR's bit depth
            return 65535 if stream.read(25)[24] == 16 else None
    if image.format == "JPEG2000":
        channels = _jpeg2000(path)
        if any(signed for _, signed in channels):
            raise NormeqError(f"{path}: signed samples: convert it to 8-bit gray or colour, or 16-bit gray")
        return 2 ** max(bits for bits, _ in channels) - 1
    if image.format == "PPM" and image.mode != "F":
        arguments = image.tile[0].args
        return arguments[1] if isinstance(arguments, tuple) else 65535 if image.mode == "I" else None
    return None


def _mend_byte_order(image: Image.Image) -> None:
    """libtiff gives samples in the machine's byte order; Pillow swaps big-endian ones nevertheless, where
    they are signed or float."""
    native = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}
    if image.format == "TIFF":
        image.tile = [
            tile._replace(args=(native.get(tile.args[0], tile.args[0]), *tile.args[1:]))
            if tile.codec_name == "libtiff"
            else tile
            for tile in image.tile
        ]


def _keep_orientation(image: Image.Image) -> None:
    """Pillow turns a TIFF by its orientation, and no other format; of one that is not compressed and lies on
    its side it takes rows of the wrong length. Pixels stay as they are stored."""
    if image.format == "TIFF":
        image.getexif()[ORIENTATION] = 1
        image.tag_v2.pop(ORIENTATION, None)
        image._size = image.tag_v2[WIDTH], image.tag_v2[HEIGHT]


def _mend_transparency(path: Path, image: Image.Image) -> None:
    """Pillow spreads gray of 2 and 4 bits to 0 ... 255, and leaves the value that means transparent."""
    value = image.info.get("transparency")
    if image.format == "PNG" and image.mode == "L" and isinstance(value, int):
        with path.open("rb") as stream:
            greatest = 2 ** stream.read(25)[24] - 1
        image.info["transparency"] = (value & greatest) * 255 // greatest  # the standard: its lowest bits


def _jpeg2000(path: Path) -> list[tuple[int, bool]]:
    """Bits of each channel of a JPEG 2000 file, and whether it is signed: segment SIZ of the code stream."""
    with path.open("rb") as stream:
        head = stream.read(2**20)
    start = head.index(b"\xff\x4f\xff\x51") + 4
    count = int.from_bytes(head[start + 36 : start + 38])
    return [((size & 127) + 1, size > 127) for size in head[start + 38 : start + 38 + 3 * count : 3]]


def unidentified(path: Path) -> str:
    """What a file is that Pillow cannot read."""
    with path.open("rb") as stream:
        head = stream.read(512)
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            try:
                tags = ImageFileDirectory_v2(head[: 16 if b"+" in head[2:4] else 8])  # + is BigTIFF
                stream.seek(tags.next)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tags.load(stream)
                what = tiff_kind(tags)
            except (*DAMAGED, KeyError, TypeError):
                return "damaged or truncated TIFF: get it again"
            return (
                f"a TIFF with {what}, which is not read: convert it to 8-bit gray or colour, or 16-bit gray"
            )
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page, not an image: get the file itself"
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not an image: run `git lfs pull`"
    if head.startswith(b"\xff\xd8\xff"):
        return "a JPEG that is damaged, or of a kind that is not read (12-bit, lossless): get another"
    return (
        "not an image that can be read (PNG, JPEG, TIFF, BMP, PGM, WebP, GIF, JPEG 2000): is it another file?"
    )


def tiff_kind(tags: ImageFileDirectory_v2) -> str:
    """Such as ``3 channels of 32-bit float samples (colour)``."""
    if WIDTH not in tags:
        raise ValueError("no width")
    channels, bits = tags.get(CHANNELS, 1), max(tags.get(BITS, (1,)))
    kind = KINDS.get(max(tags.get(SAMPLE_FORMAT, (1,))), "unknown")
    photometric = tags.get(PHOTOMETRIC, MIN_IS_WHITE)
    seen = PHOTOMETRICS.get(photometric, f"photometric {photometric}")
    return f"{f'{channels} channels of ' if channels > 1 else ''}{bits}-bit {kind} samples ({seen})"
