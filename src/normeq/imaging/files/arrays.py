"""NPY, FITS and NIfTI: arrays of numbers of any range."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from normeq.errors import NormeqError
from normeq.imaging.files.picture import Picture, need, numbers, pages

THIN = 4  # a last axis of so many entries or fewer is one of channels


def read_npy(path: Path, channel_axis: int | None) -> Picture:
    from normeq.imaging.pillow import unidentified

    with path.open("rb") as stream:
        if stream.read(6) != b"\x93NUMPY":
            raise NormeqError(f"{path}: {unidentified(path)}")
    try:
        stored = np.load(path, allow_pickle=False)
    except ValueError as error:
        if "Object arrays" in str(error):
            raise NormeqError(f"{path}: holds Python objects, which are never read: save numbers") from None
        raise
    array = numbers(path, stored)
    if channel_axis is not None and (array.ndim < 3 or not -array.ndim <= channel_axis < array.ndim):
        raise NormeqError(f"{path}: shape {array.shape} has no axis {channel_axis} of channels")
    if channel_axis is None and array.ndim > 2 and array.shape[-1] <= THIN < array.shape[-2]:
        raise NormeqError(
            f"{path}: shape {array.shape} would be images {array.shape[-1]} pixels wide: give "
            "--channel-axis -1 if the last axis is that of the channels"
        )

    def write(target: Path, denoised: np.ndarray) -> None:
        with target.open("wb") as stream:
            np.save(stream, denoised)

    axes = array.ndim - 2 - (channel_axis is not None)
    notes = pages(2 if axes else 1, "images")
    return Picture(array, channel_axis, channel_axis is not None, "NPY", write, notes=notes)


def read_fits(path: Path) -> Picture:
    fits = need("astropy.io.fits", path, "FITS", "astropy")
    with fits.open(path, memmap=False, do_not_scale_image_data=True) as found:
        # Stored integers are denoised as they are, which keeps type and scaling.
        planes = [
            unit
            for unit in found
            if unit.is_image and unit.header.get("NAXIS", 0) > 1 and unit.data is not None
        ]
        for unit in found:
            unit.data  # noqa: B018 (loads it before the file is closed)
    if not planes:
        raise NormeqError(f"{path}: no image in it")
    unit = planes[0]
    stored = numbers(path, unit.data)
    scale, offset = float(unit.header.get("BSCALE", 1)), float(unit.header.get("BZERO", 0))
    if scale <= 0:
        raise NormeqError(f"{path}: BSCALE is {scale:g}: write it with a positive one first")
    blank = unit.header.get("BLANK")
    if blank is not None and (stored == blank).any():
        raise NormeqError(f"{path}: {int((stored == blank).sum())} pixels are blank: fill them in first")

    def write(target: Path, denoised: np.ndarray) -> None:
        unit.data[...] = denoised
        sums = any(
            {"CHECKSUM", "DATASUM"} & set(one.header) for one in found
        )  # which would be of the old pixels
        found.writeto(target, output_verify="silentfix+ignore", checksum=sums)

    notes = pages(int(np.prod(stored.shape[:-2])), "planes")
    if len(found) > 1:
        notes += ("only the first image is denoised; what else is in the file is copied",)
    return Picture(
        stored.astype(stored.dtype.newbyteorder("=")), None, False, "FITS", write,
        scale=scale, offset=offset, notes=notes,
    )  # fmt: skip


def read_nifti(path: Path) -> Picture:
    nibabel = need("nibabel", path, "NIfTI", "nibabel")
    try:
        image = nibabel.load(path)
        stored = np.asanyarray(image.dataobj.get_unscaled())
    except nibabel.filebasedimages.ImageFileError as error:
        raise NormeqError(f"{path}: damaged, or not a NIfTI file ({error}): get it again") from None
    stored = numbers(path, stored)
    slope, offset = image.dataobj.slope, image.dataobj.inter
    if slope <= 0:
        raise NormeqError(f"{path}: scl_slope is {slope:g}: write it with a positive one first")

    def write(target: Path, denoised: np.ndarray) -> None:
        made = type(image)(np.ascontiguousarray(denoised.T), image.affine, image.header)
        made.header.set_slope_inter(slope, offset)
        content = made.to_bytes()
        target.write_bytes(gzip.compress(content) if target.suffix.lower() == ".gz" else content)

    # Its first two axes are those of a plane, columns first.
    notes = pages(int(np.prod(stored.shape[2:])), "planes")
    return Picture(
        stored.T, None, False, "NIfTI", write, scale=float(slope), offset=float(offset), notes=notes
    )
