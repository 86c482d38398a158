"""Reading images: the gray protocol, and one clear line for everything that is not a plain image."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from normeq.errors import NormeqError
from normeq.imaging.images import read_gray, read_gray_uint8


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (9, 13), dtype=np.uint8)


@pytest.fixture
def colour() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (9, 13, 3), dtype=np.uint8)


def save(path: Path, array: np.ndarray, **options) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def png16(path: Path, samples: np.ndarray, colour_type: int) -> Path:
    """A 16-bit PNG (H, W, channels) written by hand: Pillow writes none in colour."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for tag, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_8_bit_gray_is_divided_by_255(tmp_path, pixels, suffix):
    path = save(tmp_path / f"gray.{suffix}", pixels)
    gray = read_gray(path)
    assert gray.dtype == np.float32 and gray.shape == (9, 13)
    np.testing.assert_array_equal(np.rint(gray * 255).astype(np.uint8), pixels)
    np.testing.assert_array_equal(read_gray_uint8(path), pixels)


def test_colour_becomes_gray_by_itu_601(tmp_path, colour):
    gray = read_gray_uint8(save(tmp_path / "colour.png", colour)).astype(float)
    expected = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(gray - expected).max() <= 1
    rec709 = colour @ np.array([0.2126, 0.7152, 0.0722])  # the other common weights are far away
    assert np.abs(gray - rec709).max() > 5


def test_16_bit_gray_keeps_its_bits(tmp_path):
    samples = np.random.default_rng(2).integers(0, 65536, (9, 13), dtype=np.uint16)
    samples[0, :2] = 0, 65535
    for path in (
        save(tmp_path / "deep.tif", samples),
        save(tmp_path / "deep.png", samples),
        png16(tmp_path / "hand.png", samples[..., None], colour_type=0),
    ):
        gray = read_gray(path)
        assert gray.min() == 0 and gray.max() == 1
        np.testing.assert_array_equal(np.rint(gray.astype(np.float64) * 65535), samples)
        with pytest.raises(NormeqError, match=rf"{path.name}.*16-bit"):
            read_gray_uint8(path)


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bit_colour_or_alpha_is_refused_not_cut_to_8_bits(tmp_path, colour_type, channels):
    path = png16(tmp_path / "deep.png", np.full((4, 5, channels), 65535, np.uint16), colour_type)
    with pytest.raises(NormeqError, match="deep.png: 16-bit"):
        read_gray(path)


def test_opaque_alpha_is_dropped_and_transparency_refused(tmp_path, colour):
    alpha = np.full((9, 13, 1), 255, np.uint8)
    opaque = save(tmp_path / "opaque.png", np.concatenate([colour, alpha], axis=2))
    plain = save(tmp_path / "plain.png", colour)
    np.testing.assert_array_equal(read_gray(opaque), read_gray(plain))
    alpha[4, 4] = 254
    glass = save(tmp_path / "glass.png", np.concatenate([colour, alpha], axis=2))
    with pytest.raises(NormeqError, match="glass.png: transparent"):
        read_gray(glass)


def test_palette_is_read_as_its_colours(tmp_path, pixels):
    Image.fromarray(pixels).convert("P").save(tmp_path / "palette.png")
    np.testing.assert_array_equal(read_gray_uint8(tmp_path / "palette.png"), pixels)


@pytest.mark.parametrize(("mode", "word"), [("F", "float"), ("I", "32-bit"), ("CMYK", "CMYK")])
def test_other_pixels_are_refused(tmp_path, mode, word):
    Image.new(mode, (5, 4)).save(tmp_path / "other.tif")
    with pytest.raises(NormeqError, match=rf"other.tif: .*{word}"):
        read_gray(tmp_path / "other.tif")


def test_pages_are_refused(tmp_path):
    page = Image.new("L", (5, 4))
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])
    with pytest.raises(NormeqError, match="pages.tif: 2 pages"):
        read_gray(tmp_path / "pages.tif")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_a_truncated_file_is_named_at_every_length(tmp_path, pixels, suffix):
    whole = save(tmp_path / f"whole.{suffix}", np.tile(pixels, (8, 8))).read_bytes()
    path = tmp_path / f"cut.{suffix}"
    for length in range(0, len(whole) // 2, max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(NormeqError) as refused:
            read_gray(path)
        assert path.name in str(refused.value) and "\n" not in str(refused.value)


def test_a_flipped_byte_in_a_png_is_refused(tmp_path, pixels):
    path = save(tmp_path / "flip.png", pixels)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(NormeqError, match="flip.png"):
        read_gray(path)


@pytest.mark.parametrize(
    ("content", "word"), [(b"", "empty"), (b"just some words\n", "not an image"), (None, "no such file")]
)
def test_what_is_no_image_is_named(tmp_path, content, word):
    path = tmp_path / "text.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NormeqError, match=f"text.png: {word}"):
        read_gray(path)


def test_a_folder_is_no_image(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(NormeqError, match="folder.png: .*folder"):
        read_gray(tmp_path / "folder.png")
