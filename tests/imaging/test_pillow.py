"""Files opened by Pillow: what is mended, what is refused, and in which words."""

import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from normeq.errors import NormeqError
from normeq.imaging.images import read_gray, read_gray_uint8
from tests.imaging.pictures import png16, save


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bit_colour_or_alpha_is_refused_not_cut_to_8_bits(tmp_path, colour_type, channels):
    path = png16(tmp_path / "deep.png", np.full((4, 5, channels), 65535, np.uint16), colour_type)
    with pytest.raises(NormeqError, match="deep.png: 16-bit"):
        read_gray(path)


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


@pytest.mark.parametrize(
    ("array", "options", "words"),
    [
        (np.zeros((4, 5), np.float16), {}, "16-bit float samples"),
        (np.zeros((4, 5), np.float64), {}, "64-bit float samples"),
        (np.zeros((4, 5), np.uint64), {}, "64-bit unsigned samples"),
        (np.zeros((4, 5), np.complex64), {}, "64-bit complex samples"),
        (
            np.zeros((4, 5, 3), np.float32),
            {"photometric": "rgb"},
            "3 channels of 32-bit float samples .colour",
        ),
        (np.zeros((4, 5), np.uint16), {"photometric": "miniswhite", "byteorder": ">"}, "gray, min-is-white"),
        (
            np.zeros((4, 5), np.int16),
            {"photometric": "miniswhite"},
            "16-bit signed samples .gray, min-is-white",
        ),
        (
            np.zeros((4, 5), np.float32),
            {"photometric": "miniswhite"},
            "32-bit float samples .gray, min-is-white",
        ),
        (np.zeros((4, 5, 3), np.uint16), {"photometric": "rgb"}, "16-bit colour"),
        (
            np.zeros((9, 9, 5), np.uint8),
            {"photometric": "rgb", "extrasamples": (0, 0)},
            "5 channels, 2 of them",
        ),
        (
            np.zeros((9, 9, 4), np.uint8),
            {"photometric": "rgb", "extrasamples": (0,)},
            "4 channels, 1 of them",
        ),
        (
            np.zeros((5, 9, 9), np.uint8),
            {"photometric": "minisblack", "planarconfig": "separate"},
            "5 channels of",
        ),
        (np.zeros((9, 9, 4), np.uint8), {"photometric": "separated"}, "CMYK"),
        (np.zeros((3, 9, 9), np.uint8), {"photometric": "minisblack"}, "3 pages"),
        (np.zeros((9, 9, 4), np.uint8), {"photometric": "rgb", "extrasamples": (1,)}, "transparent"),
    ],
)
def test_tiffs_that_are_not_read_say_what_is_there(tmp_path, array, options, words):
    tifffile.imwrite(tmp_path / "other.tif", array, **options)
    with pytest.raises(NormeqError, match=rf"other.tif: .*{words}"):
        read_gray(tmp_path / "other.tif")


def test_a_transparent_value_of_a_16_bit_png_is_refused(tmp_path):
    samples = np.arange(20, dtype=np.uint16).reshape(4, 5)
    for key, refused in ((7, True), (300, False)):
        save(tmp_path / "key.png", samples, transparency=key)
        if refused:
            with pytest.raises(NormeqError, match="key.png: transparent"):
                read_gray(tmp_path / "key.png")
        else:
            assert read_gray(tmp_path / "key.png").shape == (4, 5)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"II*\0\x08\0\0\0", "damaged or truncated TIFF"),
        (
            b"\xff\xd8\xff\xc0\0\x0b\x0c\0\x08\0\x08\x01\x01\x11\0" + bytes(99),
            "a JPEG that is damaged, or of a kind",
        ),
    ],
)
def test_what_came_instead_of_an_image_is_named(tmp_path, content, word):
    (tmp_path / "got.png").write_bytes(content)
    with pytest.raises(NormeqError, match=f"got.png: {word}"):
        read_gray(tmp_path / "got.png")


def test_links_and_pipes(tmp_path):
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing.png")
    os.mkfifo(tmp_path / "pipe.png")
    for name, word in (
        ("self", "a link that leads to itself"),
        ("gone", "a link to a file"),
        ("pipe", "a device"),
    ):
        with pytest.raises(NormeqError, match=f"{name}.png: {word}"):
            read_gray(tmp_path / f"{name}.png")


def test_many_pixels_are_read_without_a_warning_and_too_many_refused(tmp_path, monkeypatch, recwarn):
    path = save(tmp_path / "large.png", np.zeros((10, 10), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    assert read_gray(path).shape == (10, 10) and not recwarn.list
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    with pytest.raises(NormeqError, match="large.png: more than .* pixels: cut it into pieces"):
        read_gray(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_of_a_tiff_stay_as_stored_whatever_its_orientation(
    tmp_path, pixels, colour, orientation, compression
):
    path, tag = tmp_path / "turned.tif", (274, "H", 1, orientation, True)
    for array in (pixels[:7], colour[:7]):
        options = {"photometric": "rgb" if array.ndim == 3 else "minisblack", "compression": compression}
        tifffile.imwrite(path, array, extratags=[tag], **options)
        expected = np.asarray(Image.fromarray(array).convert("L"))
        np.testing.assert_array_equal(read_gray_uint8(path), expected)


@pytest.mark.parametrize("bits", [2, 4])
def test_a_transparent_value_of_a_png_of_few_bits_is_refused(tmp_path, bits):
    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    row = bytes([0, 0b01010101])  # gray of 1 (two bits) or 5 (four)
    for value, refused in (({2: 1, 4: 5}[bits], True), (0, False), (2, False)):
        path = tmp_path / "few.png"
        header = struct.pack(">IIBBBBB", 8 // bits, 1, bits, 0, 0, 0, 0)
        parts = [(b"IHDR", header), (b"tRNS", struct.pack(">H", value)), (b"IDAT", zlib.compress(row))]
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in [*parts, (b"IEND", b"")]))
        if refused:
            with pytest.raises(NormeqError, match="transparent pixels"):
                read_gray(path)
        else:
            assert read_gray(path) == pytest.approx(1 / 3)
