"""Reading images: the gray protocol, and one clear line for everything that is not a plain image."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from normeq.errors import NormeqError
from normeq.imaging.images import is_colour, read_gray, read_gray_bt709, read_gray_uint8, read_samples


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


SCENE = np.linspace(0, 1, 40 * 52).reshape(40, 52)  # dark at the top, bright at the bottom


def twins(folder: Path) -> dict[str, Path]:
    """One gray scene in every kind of file that says by itself what is black and what is white."""
    made = {}
    for bits, kind in ((8, "u1"), (16, "u2")):
        stored = np.rint(SCENE * (2**bits - 1)).astype(kind)
        for white in (False, True):
            for order in "<>":
                for compression in (None, "zlib"):
                    if white and bits == 16 and order == ">":
                        continue  # refused, see below
                    name = f"{bits}-{white}-{order}-{compression}"
                    tifffile.imwrite(
                        folder / f"{name}.tif",
                        2**bits - 1 - stored if white else stored,
                        photometric="miniswhite" if white else "minisblack",
                        byteorder=order,
                        compression=compression,
                        tile=(16, 32) if compression else None,
                    )
                    made[name] = folder / f"{name}.tif"
        for suffix in ("png", "jp2"):
            made[f"{suffix}{bits}"] = save(folder / f"{bits}.{suffix}", stored)
    for top in (255, 1000, 4095, 65535):
        samples = np.rint(SCENE * top).astype("u1" if top < 256 else ">u2")
        made[f"pgm{top}"] = folder / f"{top}.pgm"
        made[f"pgm{top}"].write_bytes(b"P5\n52 40\n%d\n" % top + samples.tobytes())
    made["tif12"] = tiff12(folder / "12.tif", np.rint(SCENE * 4095).astype(int))
    Image.fromarray(np.rint(SCENE * 255).astype(np.uint8)).save(folder / "lossless.webp", lossless=True)
    made["webp"] = folder / "lossless.webp"
    for suffix in ("gif", "bmp"):
        made[suffix] = save(folder / f"plain.{suffix}", np.rint(SCENE * 255).astype(np.uint8))
    Image.fromarray(np.rint(SCENE * 255).astype(np.uint8)).convert("P").save(folder / "palette.tif")
    made["palette"] = folder / "palette.tif"
    return made


def tiff12(path: Path, samples: np.ndarray) -> Path:
    """A TIFF of 12-bit gray, two samples in three bytes."""
    even, odd = samples.reshape(-1, 2).T
    packed = np.stack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255], axis=1).astype(np.uint8).tobytes()
    height, width = samples.shape
    entries = [(256, width), (257, height), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, height)]
    entries.append((279, len(packed)))
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8 + len(packed)) + packed + directory + bytes(4))
    return path


def test_one_scene_is_read_alike_from_every_kind_of_file(tmp_path):
    """Fails without the polarity of 16-bit TIFFs, and without the depth of 12-bit ones and of graymaps."""
    for name, path in twins(tmp_path).items():
        gray = read_gray(path)
        assert gray.shape == SCENE.shape and gray.dtype == np.float32, name
        assert np.abs(gray - SCENE).max() < 0.51 / 255, name
        assert gray.min() == 0 and gray.max() == 1, name
        np.testing.assert_array_equal(read_gray_bt709(path) if not is_colour(path) else gray, gray, name)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("dtype", "kind"),
    [("i1", "8-bit signed"), ("i2", "16-bit signed"), ("i4", "32-bit signed"), ("f4", "32-bit float")],
)
def test_samples_without_a_white_need_a_declared_range(tmp_path, dtype, kind, order, compression):
    """Signed bytes were read as unsigned; big-endian compressed samples lose their byte order in Pillow."""
    path = tmp_path / "ct.tif"
    samples = np.arange(-100, 100, dtype=dtype).reshape(10, 20)
    tifffile.imwrite(path, samples, photometric="minisblack", byteorder=order, compression=compression)
    with pytest.raises(
        NormeqError, match=rf"ct.tif: {kind} gray, values -100 ... 99: .*range: \[low, high\]"
    ):
        read_gray(path)
    np.testing.assert_array_equal(read_samples(path).values, samples)
    expected = (samples.astype(float) + 100) / 400
    np.testing.assert_allclose(read_gray(path, (-100, 300)), expected, atol=1e-7)
    with pytest.raises(NormeqError, match=r"ct.tif: values -100 ... 99 leave the range -50 ... 300 that"):
        read_gray(path, (-50, 300))


def test_32_bit_unsigned_samples_above_half_stay_positive(tmp_path):
    samples = np.array([[0, 2**31], [2**32 - 1, 7]], dtype=np.uint32)
    tifffile.imwrite(tmp_path / "counts.tif", samples, photometric="minisblack")
    with pytest.raises(NormeqError, match="32-bit unsigned gray, values 0 ... 4.29497e"):
        read_gray(tmp_path / "counts.tif")
    gray = read_gray(tmp_path / "counts.tif", (0, 2**32 - 1))
    assert gray[1, 0] == 1 and gray[0, 1] == pytest.approx(0.5)


def test_float_samples_must_be_finite(tmp_path):
    samples = np.ones((4, 5), np.float32)
    samples[1, 1:3] = np.nan, np.inf
    tifffile.imwrite(tmp_path / "nan.tif", samples)
    for span in (None, (0.0, 2.0)):
        with pytest.raises(NormeqError, match="nan.tif: 2 pixels are NaN or infinite"):
            read_gray(tmp_path / "nan.tif", span)


def test_a_declared_range_of_12_bits_in_16(tmp_path):
    samples = np.rint(SCENE * 4095).astype(np.uint16)
    path = save(tmp_path / "sensor.png", samples)
    np.testing.assert_allclose(read_gray(path, (0, 4095)), SCENE, atol=1e-3)
    np.testing.assert_array_equal(read_gray(path, (0, 65535)), read_gray(path))
    with pytest.raises(NormeqError, match="sensor.png: 16-bit gray, but training images are 8-bit"):
        read_gray_uint8(path, (0, 4095))
    eight = save(tmp_path / "eight.png", np.full((4, 5), 16, np.uint8))
    with pytest.raises(NormeqError, match="eight.png: its data set declares the range 16 ... 235"):
        read_gray_uint8(eight, (16, 235))
    assert read_gray(eight, (16, 235)).max() == 0


def test_a_pixmap_of_few_levels_is_spread(tmp_path):
    (tmp_path / "c.ppm").write_bytes(b"P3\n2 1\n15\n15 15 15 0 0 0\n")
    np.testing.assert_array_equal(read_gray(tmp_path / "c.ppm"), [[1, 0]])
    (tmp_path / "d.ppm").write_bytes(b"P6\n1 1\n4095\n" + bytes(6))
    with pytest.raises(NormeqError, match="d.ppm: 12-bit colour"):
        read_gray(tmp_path / "d.ppm")


def test_a_graymap_counts_in_its_own_units(tmp_path):
    path = tmp_path / "adc.pgm"
    path.write_bytes(b"P5\n2 2\n4095\n" + np.array([[0, 1], [2048, 4095]], ">u2").tobytes())
    np.testing.assert_array_equal(read_samples(path).values, [[0, 1], [2048, 4095]])
    assert read_gray(path, (0, 4095)).max() == 1
    path.write_bytes(b"P2\n2 1\n100\n100 37\n")
    np.testing.assert_array_equal(read_samples(path).values, [[100, 37]])


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


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_planes_of_colour_are_one_image(tmp_path, colour, planar, compression):
    stored = colour if planar == "contig" else colour.transpose(2, 0, 1)
    tifffile.imwrite(
        tmp_path / "c.tif",
        stored,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        byteorder=">",
    )
    np.testing.assert_array_equal(read_gray(tmp_path / "c.tif"), read_gray(save(tmp_path / "c.png", colour)))


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
