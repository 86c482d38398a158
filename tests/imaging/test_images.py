"""Reading images: the gray protocol, and one clear line for everything that is not a plain image."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from normeq.errors import NormeqError
from normeq.imaging.images import is_colour, read_gray, read_gray_bt709, read_gray_uint8, read_samples
from tests.imaging.pictures import png16, save


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
