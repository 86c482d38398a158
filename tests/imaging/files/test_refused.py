"""Files that are not read: one line each, which names the file."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from normeq.errors import NormeqError, install
from normeq.imaging.files import read

IMAGE = np.arange(63, dtype=np.uint8).reshape(7, 9)
DEPTHS = np.where(np.arange(63).reshape(7, 9) < 2, -9999, 300).astype("f4")  # GDAL says which value is none
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), "u1"))
HTML = b"<!DOCTYPE html><html>not found</html>"


def truncated(file: Path, part: float = 0.6) -> None:
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * part)])


def tiff(**options):
    def make(file):
        tifffile.imwrite(file, **({"data": np.tile(IMAGE, (40, 40)), "photometric": "minisblack"} | options))

    return make


def two_sizes(file):
    with tifffile.TiffWriter(file) as writer:
        writer.write(IMAGE, photometric="minisblack")
        writer.write(IMAGE[:4], photometric="minisblack")


def cut(make):
    def both(file):
        make(file)
        truncated(file)

    return both


def png(**options):
    return lambda file: Image.fromarray(IMAGE).save(file, **options)


def folder(file):
    file.mkdir()


def link(file):
    file.symlink_to(file)


CASES = {
    "missing": ("a.tif", lambda file: None, "no such file"),
    "folder": ("a.tif", folder, "a folder, not an image"),
    "loop": ("a.png", link, "a link that leads to itself"),
    "empty": ("a.npy", lambda file: file.touch(), "empty file"),
    "dead link": ("a.npy", lambda file: file.symlink_to("nothing"), "a link to a file that is not there"),
    "unknown": ("a.dcm", lambda file: file.write_text("x"), "not a kind of file that is read"),
    "html tiff": ("a.tif", lambda file: file.write_bytes(HTML), "a web page"),
    "html png": ("a.png", lambda file: file.write_bytes(HTML), "a web page"),
    "html npy": ("a.npy", lambda file: file.write_bytes(HTML), "a web page"),
    "lfs": ("a.tif", lambda file: file.write_text("version https://git-lfs.github.com/spec/v1"), "lfs pull"),
    "noise": ("a.tif", lambda file: file.write_bytes(bytes(range(256))), "not an image that can be read"),
    "tiff header alone": ("a.tif", lambda file: file.write_bytes(b"II*\0\xff\0\0\0"), "damaged or truncated"),
    "cut tiff": ("a.tif", cut(tiff()), "damaged or truncated"),
    "cut zlib tiff": ("a.tif", cut(tiff(compression="zlib", rowsperstrip=16)), "damaged or truncated"),
    "cut stack": ("a.tif", cut(tiff(data=np.zeros((9, 30, 30), "u2"))), ""),
    "cut png": ("a.png", cut(lambda file: NOISE.save(file)), "damaged"),
    "cut npy": ("a.npy", cut(lambda file: np.save(file, IMAGE)), "damaged"),
    "two sizes": ("a.tif", two_sizes, "2 images of different kinds or sizes"),
    "complex tiff": ("a.tif", tiff(data=np.ones((5, 5), complex)), "convert it"),
    "one-bit tiff": ("a.tif", tiff(data=IMAGE > 3), "convert it"),
    "no data": (
        "a.tif", tiff(data=DEPTHS, extratags=[(42113, 2, 6, "-9999", True)]), "pixels hold no data"),
    "no data, integers": (
        "a.tif", tiff(data=DEPTHS.astype("i2"), extratags=[(42113, 2, 7, "-9999 ", True)]), "hold no data"),
    "palette tiff": ("a.tif", lambda file: Image.fromarray(IMAGE).convert("P").save(file), "palette"),
    "cmyk tiff": ("a.tif", lambda file: Image.new("CMYK", (5, 5)).save(file), "convert it"),
    "one-bit png": ("a.png", lambda file: Image.fromarray(IMAGE > 3).save(file), "black and white"),
    "palette png": ("a.png", lambda file: Image.fromarray(IMAGE).convert("P").save(file), "palette"),
    "four-bit png": ("a.png", png(bits=4), ""),
    "transparent value": ("a.png", png(transparency=3), "transparent"),
    "cmyk jpeg": ("a.jpg", lambda file: Image.new("CMYK", (5, 5)).save(file), "CMYK"),
    "misnamed": ("a.png", lambda file: NOISE.save(file, "JPEG"), "a JPEG file, whose name says PNG"),
    "objects": ("a.npy", lambda file: np.save(file, np.array([{}]), allow_pickle=True), "Python objects"),
    "bool npy": ("a.npy", lambda file: np.save(file, IMAGE > 3), "bool samples"),
    "complex npy": ("a.npy", lambda file: np.save(file, IMAGE.astype(complex)), "complex128 samples"),
    "line": ("a.npy", lambda file: np.save(file, IMAGE[0]), "is no image"),
    "no pixels": ("a.npy", lambda file: np.save(file, IMAGE[:0]), "is no image"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_line(tmp_path, case):
    name, make, words = CASES[case]
    file = tmp_path / name
    make(file)
    with pytest.raises(NormeqError) as caught:
        read(file)
    line = str(caught.value)
    assert line.startswith(f"{file}: ") and words in line and "\n" not in line


@pytest.mark.parametrize(
    ("name", "module"),
    [("a.tif", "tifffile"), ("a.fits", "astropy"), ("a.nii", "nibabel"), ("a.png", "pillow")],
)
def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch, name, module):
    file = tmp_path / name
    file.write_bytes(b"something")
    for hidden in {"astropy": ["astropy.io.fits"], "pillow": ["normeq.imaging.pillow"]}.get(module, [module]):
        monkeypatch.setitem(sys.modules, hidden, None)
    remedy = f"pip install {module}" if module not in ("tifffile", "pillow") else install("files")
    with pytest.raises(NormeqError) as caught:
        read(file)
    words = f"need {module}, which is not installed: {remedy}"
    assert str(caught.value).endswith(words)
