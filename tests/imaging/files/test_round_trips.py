"""What is read and written again is the file that it was: type, range, axes, metadata."""

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from normeq.errors import NormeqError
from normeq.imaging.files import check_kind, kind_of, read
from tests.imaging.files.samples import DTYPES, again, values

RASTERS = [
    ("a.png", (7, 9), "u1"),
    ("a.png", (7, 9), "u2"),
    ("a.png", (7, 9, 2), "u1"),
    ("a.PNG", (7, 9, 3), "u1"),
    ("a.png", (7, 9, 4), "u1"),
    ("a.bmp", (7, 9), "u1"),
    ("a.bmp", (7, 9, 3), "u1"),
    ("a.pgm", (7, 9), "u1"),
    ("a.pgm", (7, 9), "u2"),
    ("a.ppm", (7, 9, 3), "u1"),
    ("a.webp", (7, 9, 3), "u1"),
]


@pytest.mark.parametrize(("name", "shape", "dtype"), RASTERS)
def test_rasters(tmp_path, name, shape, dtype):
    array = values(shape, dtype)
    Image.fromarray(array).save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    picture, target = again(tmp_path / name)
    alpha = len(shape) == 3 and shape[-1] in (2, 4)
    kept = array[..., :-1] if alpha else array
    kept = kept[..., 0] if shape[-1:] == (2,) else kept
    assert picture.array.dtype == dtype and np.array_equal(picture.array, kept)
    assert picture.channel_axis == (-1 if shape[-1] in (3, 4) and len(shape) == 3 else None)
    with Image.open(target) as image:
        assert np.array_equal(np.asarray(image), array)


def test_metadata_of_a_png(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "Zelle")
    info.add_itxt("Note", "σ = 25 µm")
    exif = Image.Exif()
    exif[271] = "maker"
    image = Image.fromarray(values((7, 9), "u2"))
    image.save(tmp_path / "a.png", dpi=(300, 300), pnginfo=info, icc_profile=b"profile", exif=exif)
    _, target = again(tmp_path / "a.png")
    with Image.open(target) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert image.info["icc_profile"] == b"profile" and image.getexif()[271] == "maker"
        assert image.text == {"Title": "Zelle", "Note": "σ = 25 µm"}


def test_jpeg_keeps_its_orientation_and_says_that_it_loses(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.full((16, 8, 3), 120, np.uint8)).save(tmp_path / "a.jpg", exif=exif, dpi=(72, 72))
    picture, target = again(tmp_path / "a.jpg")
    assert "loses" in picture.notes[0]
    with Image.open(target) as image:
        assert image.format == "JPEG" and image.getexif()[274] == 6 and image.size == (8, 16)
        assert np.abs(np.asarray(image).astype(int) - 120).max() <= 1


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])  # which Pillow reads where imagecodecs is not
@pytest.mark.parametrize("orientation", [3, 6])
def test_tiff_keeps_its_orientation(tmp_path, orientation, compression):
    array = values((7, 9), "u1")
    Image.fromarray(array).save(tmp_path / "a.tif", compression=compression, tiffinfo={274: orientation})
    picture, target = again(tmp_path / "a.tif")
    assert np.array_equal(picture.array, array)
    with tifffile.TiffFile(target) as tiff:
        assert tiff.pages[0].tags[274].value == orientation and np.array_equal(tiff.asarray(), array)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"bigtiff": True, "tile": (16, 16)},
        {"photometric": "miniswhite"},
    ],
    ids=["plain", "zlib", "tiles", "white"],
)
def test_tiff(tmp_path, dtype, byteorder, options):
    array = values((21, 18), dtype)
    options = {"photometric": "minisblack"} | options
    tifffile.imwrite(tmp_path / "a.tif", array, byteorder=byteorder, **options)
    picture, target = again(tmp_path / "a.tif")
    assert picture.array.dtype == np.dtype(dtype) and picture.channel_axis is None and not picture.colour
    found = tifffile.imread(target)
    assert found.dtype == np.dtype(dtype) and np.array_equal(found, array)
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(target) as after:
        assert before.byteorder == after.byteorder and before.is_bigtiff == after.is_bigtiff
        assert before.pages[0].photometric == after.pages[0].photometric
        assert (before.pages[0].compression == 1) == (after.pages[0].compression == 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_min_is_white_is_negated(tmp_path, dtype):
    """The same picture, dark where its values are large."""
    array = np.sort(values((1, 9), dtype))
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="miniswhite")
    picture = read(tmp_path / "a.tif")
    assert (np.diff(picture.array.astype(float)) <= 0).all()
    low, high = float(array.min()), float(array.max())
    inside = picture.inside((low, high))
    assert inside == (picture.array.min(), picture.array.max())


STACKS = [
    ((5, 7, 9), {"photometric": "minisblack"}, None),
    ((2, 3, 7, 9), {"photometric": "minisblack"}, None),
    ((7, 9, 3), {"photometric": "rgb"}, 2),
    ((4, 7, 9, 3), {"photometric": "rgb"}, 3),
    ((3, 7, 9), {"photometric": "rgb", "planarconfig": "separate"}, 0),
    ((7, 9, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, 2),
    ((5, 7, 9, 4), {"photometric": "rgb", "extrasamples": ["assocalpha"]}, 3),
    ((4, 7, 9), {"photometric": "rgb", "planarconfig": "separate", "extrasamples": ["unassalpha"]}, 0),
    ((7, 9, 2), {"photometric": 1, "planarconfig": "contig", "extrasamples": ["unassalpha"]}, None),
    ((7, 9, 5), {"photometric": "minisblack", "planarconfig": "contig"}, 2),
    ((7, 9, 4), {"photometric": "rgb", "extrasamples": ["unspecified"]}, 2),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "options", "channel_axis"), STACKS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_tiff_stacks_and_channels(tmp_path, shape, options, channel_axis, dtype):
    array = values(shape, dtype)
    tifffile.imwrite(tmp_path / "a.tif", array, **options)
    picture, target = again(tmp_path / "a.tif")
    assert picture.channel_axis == channel_axis
    alpha = "alpha" in str(options)
    assert picture.array.size == (
        array.size * (1 - 1 / shape[shape.index(min(shape))]) if alpha else array.size
    )
    assert np.array_equal(tifffile.imread(target), array)
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(target) as after:
        assert before.series[0].axes == after.series[0].axes
        assert before.pages[0].extrasamples == after.pages[0].extrasamples


def tags_of(path):
    with tifffile.TiffFile(path) as tiff:
        layout = {254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 338, 339}
        return {tag.code: tag.value for tag in tiff.pages[0].tags if tag.code not in layout}


@pytest.mark.parametrize("kind", ["imagej", "ome", "shaped", "plain", "geo"])
def test_tiff_metadata(tmp_path, kind):
    array = values((2, 3, 16, 19), "u2")
    file = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    if kind == "imagej":
        luts = [np.arange(768, dtype=np.uint8).reshape(3, 256)] * 3
        metadata = {
            "axes": "ZCYX",
            "spacing": 3.5,
            "unit": "um",
            "Info": "σ of the stage",
            "LUTs": luts,
            "min": 1.0,
        }
        tifffile.imwrite(file, array, imagej=True, resolution=(2.5, 1.25), metadata=metadata)
    elif kind == "ome":
        metadata = {
            "axes": "ZCYX",
            "PhysicalSizeX": 0.1,
            "PhysicalSizeXUnit": "µm",
            "Channel": {"Name": ["a", "b", "c"]},
        }
        tifffile.imwrite(file, array, ome=True, metadata=metadata, photometric="minisblack")
    elif kind == "shaped":
        tifffile.imwrite(
            file, array, photometric="minisblack", metadata={"microscope": "M1"}, software="own 1.0"
        )
    elif kind == "plain":
        tifffile.imwrite(
            file,
            array[0, 0],
            photometric="minisblack",
            metadata=None,
            description="plate 7",
            resolution=(300, 300),
            resolutionunit="CENTIMETER",
            datetime="2024:01:02 03:04:05",
            iccprofile=b"profile",
            software=False,
        )
    else:
        extra = [
            (33550, 12, 3, (10.0, 10.0, 0.0), True),
            (42113, 2, 3, b"-99", True),
            (315, 2, 4, b"Ada", True),
        ]
        tifffile.imwrite(
            file, array[0, 0].astype("f4"), photometric="minisblack", metadata=None, extratags=extra
        )
    before = tags_of(file)
    _, target = again(file, tmp_path / ("b.ome.tif" if kind == "ome" else "b.tif"))
    after = tags_of(target)
    assert after.keys() == before.keys()
    for code, value in before.items():
        if isinstance(value, dict):
            assert str(after[code]) == str(value), code
        elif code not in (50838,):
            assert after[code] == value, code
    with tifffile.TiffFile(file) as first, tifffile.TiffFile(target) as second:
        assert first.is_imagej == second.is_imagej and first.is_ome == second.is_ome
        assert (
            first.series[0].axes == second.series[0].axes and first.series[0].shape == second.series[0].shape
        )
        if kind == "imagej":
            assert (
                second.imagej_metadata["spacing"] == 3.5
                and second.imagej_metadata["Info"] == "σ of the stage"
            )
        if kind == "ome":
            assert first.ome_metadata == second.ome_metadata


@pytest.mark.parametrize(
    ("code", "options"),
    [
        (270, {"description": b"caf\xe9 \xb5m"}),
        (270, {"description": "σ µm".encode()}),
        (305, {"software": "µManager".encode()}),
        (306, {"extratags": [(306, 2, 10, b"2024/01/02", True)]}),
        (315, {"extratags": [(315, 2, 8, "Zoë A.".encode(), True)]}),
        (282, {"resolution": ((0, 1), (0, 1))}),
        (282, {"resolution": (1e9 / 3, 1e-7)}),
    ],
)
def test_odd_tags(tmp_path, code, options):
    tifffile.imwrite(tmp_path / "a.tif", values((7, 9), "u1"), photometric=1, metadata=None, **options)
    _, target = again(tmp_path / "a.tif")
    assert tags_of(target) == tags_of(tmp_path / "a.tif") and code in tags_of(target)


def test_a_resolution_that_says_nothing(tmp_path):
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, values((7, 9), "u1"), photometric=1, resolution=(300, 300))
    with tifffile.TiffFile(file, mode="r+") as tiff:
        tiff.pages[0].tags[282].overwrite((1, 0))
    _, target = again(file)
    assert np.array_equal(tifffile.imread(target), tifffile.imread(file))


def test_what_tifffile_cannot_decode_pillow_can(tmp_path):
    for name, array in (
        ("gray", values((17, 19), "u1")),
        ("rgb", values((17, 19, 3), "u1")),
        ("deep", values((17, 19), "u2")),
    ):
        file = tmp_path / f"{name}.tif"
        Image.fromarray(array).save(file, compression="tiff_lzw")
        picture, target = again(file)
        assert np.array_equal(picture.array, array) and np.array_equal(tifffile.imread(target), array)


def test_twelve_bits_stay_twelve(tmp_path):
    """Packed samples of 12 bits are written in 16 and go no higher than 4095; min-is-white is refused."""
    array = np.random.default_rng(0).integers(0, 4096, (6, 8)).astype(np.uint16)
    packed = np.empty((6, 4, 3), np.uint8)
    first, second = array[:, 0::2], array[:, 1::2]
    packed[..., 0], packed[..., 1], packed[..., 2] = first >> 4, (first & 15) << 4 | second >> 8, second & 255
    for photometric in (1, 0):
        tags = [(256, 3, 1, 8), (257, 3, 1, 6), (258, 3, 1, 12), (259, 3, 1, 1),
                (262, 3, 1, photometric), (273, 4, 1, 8 + 2 + 12 * 9 + 4), (277, 3, 1, 1),
                (278, 3, 1, 6), (279, 4, 1, packed.size)]  # fmt: skip
        body = b"II*\0" + (8).to_bytes(4, "little") + len(tags).to_bytes(2, "little")
        for code, kind, count, value in tags:
            body += code.to_bytes(2, "little") + kind.to_bytes(2, "little") + count.to_bytes(4, "little")
            body += value.to_bytes(4, "little")
        file = tmp_path / f"{photometric}.tif"
        file.write_bytes(body + bytes(4) + packed.tobytes())
        if not photometric:
            with pytest.raises(NormeqError, match="12-bit unsigned samples"):
                read(file)
            continue
        picture = read(file)
        assert np.array_equal(picture.array, array)
        assert picture.white == 4095 and "12-bit samples are written in 16 bits" in picture.notes
        picture.save(tmp_path / "b.tif", picture.array + np.uint16(3))
        assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), np.minimum(array + 3, 4095))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.ome.TIF", "TIFF"), ("a.nii.gz", "NIfTI"), ("a.fits.gz", "FITS"), ("a.gz", None), (".png", None),
     ("a", None), ("a.jpg", "JPEG"), ("a.dcm", None)],
)  # fmt: skip
def test_kinds(name, kind):
    assert kind_of(name) == kind
    if kind != "PNG":
        with pytest.raises(NormeqError, match="name a file that ends in .png"):
            check_kind(name, "PNG")
