"""TIFF, by tifffile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from normeq.errors import NormeqError
from normeq.imaging.files.picture import Picture, need, pages

# Tags of the first page of a TIFF that are copied as they are: make, model, orientation, page and document
# name, date, artist, host, copyright, XMP, GeoTIFF, GDAL, Micro-Manager.
TAGS = {
    269, 271, 272, 274, 285, 306, 315, 316, 33432, 700, 33550, 33922, 34264, 34735, 34736, 34737, 42112,
    42113, 51123,
}  # fmt: skip
NO_DATA = 42113  # GDAL: the value of pixels that hold none
MIN_IS_WHITE, MIN_IS_BLACK, RGB = 0, 1, 2  # photometric interpretations
SEPARATE = 2  # planar configuration
ALPHA = (1, 2)  # kinds of extra samples


def read_tiff(path: Path) -> Picture:
    """A stack of pages, or one."""
    tifffile = need("tifffile", path, "TIFF", "tifffile")
    from normeq.imaging.pillow import unidentified

    try:
        with tifffile.TiffFile(path) as tiff:
            return _tiff_series(path, tiff, tifffile)
    except tifffile.TiffFileError:
        raise NormeqError(f"{path}: {unidentified(path)}") from None
    except (IndexError, KeyError, TypeError, AttributeError) as error:  # of tags that make no sense
        raise NormeqError(f"{path}: damaged or truncated TIFF ({error}): get it again") from error


def _tiff_series(path: Path, tiff: Any, tifffile: Any) -> Picture:
    if not tiff.series:
        raise NormeqError(f"{path}: damaged or truncated TIFF: get it again")
    if len(tiff.series) > 1:
        raise NormeqError(f"{path}: {len(tiff.series)} images of different kinds or sizes: save one alone")
    series = tiff.series[0]
    page, axes = series.keyframe, series.axes
    photometric, extra = int(page.photometric), tuple(int(kind) for kind in page.extrasamples)
    dtype = series.dtype
    what = f"{page.bitspersample}-bit {page.photometric.name.lower()} samples"
    if dtype is None or dtype.kind not in "iuf" or photometric not in (MIN_IS_WHITE, MIN_IS_BLACK, RGB):
        raise NormeqError(
            f"{path}: {what}: convert it to gray or RGB integers or floating-point numbers first"
        )
    if not axes.endswith(("YX", "YXS")) or axes.count("S") > 1:
        raise NormeqError(f"{path}: axes {axes}: save it with rows and columns last")
    _check_length(path, tiff, series)
    array, bits = _tiff_array(path, series)
    _check_no_data(path, page, array)
    if array.ndim != len(axes):  # by Pillow
        axes = "YXS" if array.ndim == 3 else "YX"
    white = 2**bits - 1 if bits < 8 * dtype.itemsize else None
    channel_axis = axes.index("S") if "S" in axes else None
    alpha = None
    if channel_axis is not None and extra and extra[-1] in ALPHA:
        alpha = array.take([-1], axis=channel_axis)
        array = array.take(range(array.shape[channel_axis] - 1), axis=channel_axis)
        if array.shape[channel_axis] == 1:
            array, channel_axis = array.squeeze(channel_axis), None
    inverted = None
    if photometric == MIN_IS_WHITE:
        info = np.iinfo(array.dtype) if array.dtype.kind in "iu" else None
        inverted = float(white or (int(info.min) + int(info.max) if info else 0))
        array = _negative(array, white)

    shape = _written_shape(array.shape, alpha, axes)
    options = _tiff_options(tiff, page, tifffile) | {
        "photometric": photometric,
        "planarconfig": int(page.planarconfig) if "S" in axes else None,
        "extrasamples": extra or None,
        "compression": "zlib" if int(page.compression) != 1 else None,
        "metadata": None,
    }
    head = {"bigtiff": tiff.is_bigtiff, "byteorder": tiff.byteorder}

    def write(target: Path, denoised: np.ndarray) -> None:
        if inverted is not None:
            denoised = _negative(denoised, white)
        if alpha is not None:
            axis = axes.index("S")
            if channel_axis is None:
                denoised = np.expand_dims(denoised, axis)
            denoised = np.concatenate([denoised, alpha], axis=axis)
        tifffile.imwrite(target, denoised.reshape(shape), **head, **options)

    notes = pages(
        int(np.prod([size for axis, size in zip(axes, array.shape, strict=False) if axis not in "YXS"]))
    )
    if white is not None:
        notes += (f"{bits}-bit samples are written in {8 * dtype.itemsize} bits",)
    if len(series.levels) > 1:
        notes += ("smaller copies of the picture (pyramid) are left out",)
    return Picture(
        array, channel_axis, photometric == RGB, "TIFF", write, inverted=inverted, white=white, notes=notes
    )


def _check_no_data(path: Path, page: Any, array: np.ndarray) -> None:
    """Refuse pixels that GDAL marks as empty: their value is none, and would be smeared into others."""
    tag = page.tags.get(NO_DATA)
    try:
        value = float(str(tag.value).strip(" \0")) if tag is not None else float("nan")
    except ValueError:
        return
    count = int((array == value).sum())  # NaN equals nothing, and is refused as such
    if count:
        raise NormeqError(f"{path}: {count} pixels hold no data (GDAL's tag: {value:g}): fill them in first")


def _negative(array: np.ndarray, white: int | None) -> np.ndarray:
    """Values whose order is reversed, within their type."""
    if array.dtype.kind == "f":
        return -array
    return np.array(white, array.dtype) - array if white is not None else ~array


def _written_shape(shape: tuple[int, ...], alpha: np.ndarray | None, axes: str) -> tuple[int, ...]:
    """That of the pages of a file: (N, H, W), or with the samples where they are."""
    own = 3 if "S" in axes else 2
    full = list(shape)
    if alpha is not None:
        axis = axes.index("S")
        if len(full) < len(axes):
            full.insert(axis, 1)
        full[axis] += 1
    return (-1, *full[-own:]) if len(full) > own else tuple(full)


def _check_length(path: Path, tiff: Any, series: Any) -> None:
    """Refuse a file that ends before its pixels: missing ones would be read as 0."""
    size = tiff.filehandle.size
    for page in series.pages:
        if page is None:
            raise NormeqError(f"{path}: pages are missing that its description names: get it again")
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
            if offset + count > size:
                raise NormeqError(f"{path}: damaged or truncated TIFF: get it again")


def _tiff_array(path: Path, series: Any) -> tuple[np.ndarray, int]:
    """Pixels as stored, and the bits of a sample. What tifffile cannot decode without ``imagecodecs`` (LZW,
    samples of 12 bits) Pillow can, of one page."""
    bits = series.keyframe.bitspersample
    try:
        return series.asarray(), bits
    except Exception as error:  # whatever its decoders raise
        if "imagecodecs" not in str(error):
            line = " ".join(str(error).split())
            raise NormeqError(f"{path}: damaged or truncated TIFF ({line}): get it again") from error
    from normeq.imaging.images import read_samples
    from normeq.imaging.pillow import opened

    page = series.keyframe
    remedy = f"{path}: {page.compression.name} compression of {bits}-bit samples: pip install imagecodecs"
    if len(series.pages) > 1 or page.shape != series.shape:
        raise NormeqError(f"{remedy}, or save it uncompressed")
    if int(page.photometric) == RGB or page.samplesperpixel > 1:
        with opened(path, limited=False) as (image, _):
            array = np.asarray(image)
    else:
        array = read_samples(path).values  # larger is brighter
        if int(page.photometric) == MIN_IS_WHITE:
            array = _negative(array, 2**bits - 1 if bits < 8 * array.dtype.itemsize else None)
    if array.shape != page.shape or array.dtype != page.dtype:
        raise NormeqError(f"{remedy}, or save it uncompressed")
    return array, bits


def _tiff_options(tiff: Any, page: Any, tifffile: Any) -> dict[str, Any]:
    """Description, resolution and the like of a page, for the writer."""
    tags = page.tags

    def value(code: int) -> Any:
        return tags[code].value if code in tags else None

    def text(found: Any) -> Any:  # which need not be ASCII
        return found.encode() if isinstance(found, str) else found

    extra = [(tag.code, int(tag.dtype), tag.count, text(tag.value), True) for tag in tags if tag.code in TAGS]
    if 50839 in tags and isinstance(value(50839), dict):  # overlays, lookup tables and notes of ImageJ
        extra += tifffile.tifffile.imagej_metadata_tag(value(50839), tiff.byteorder)
    options: dict[str, Any] = {"extratags": extra, "software": text(value(305)) or False}
    if value(270):
        options["description"] = text(value(270))
    if value(34675):
        options["iccprofile"] = value(34675)
    if 282 in tags and 283 in tags and value(282)[1] and value(283)[1]:  # not n/0, which says nothing
        options["resolution"] = (value(282), value(283))
        options["resolutionunit"] = int(tags[296].value) if 296 in tags else 2  # inch, if it does not say
    return options
