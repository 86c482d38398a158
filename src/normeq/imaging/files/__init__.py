"""Image files as people have them, read so that they can be written again: what comes out has the type,
range, axes and metadata of what went in.

Other modules read images for measuring, gray in [0, 1] (:mod:`normeq.imaging.images`); here values stay as
they are. Packages are imported when a file needs them.
"""

from __future__ import annotations

from pathlib import Path

from normeq.errors import NormeqError
from normeq.imaging.files import arrays, raster, tiff
from normeq.imaging.files.picture import SUFFIXES, Picture, check_kind, kind_of, need

__all__ = ["SUFFIXES", "Picture", "check_kind", "kind_of", "read"]


def read(path: Path | str, channel_axis: int | None = None) -> Picture:
    """Read a file.

    Args:
        path: the file; its suffix says what it is.
        channel_axis: of an NPY file, which does not say it.

    Raises:
        NormeqError: missing, empty, truncated, another file than its name says, of an unknown kind, or of
            samples that cannot be denoised or written again; a package is missing that it needs. One line
            that names the file.
    """
    path = Path(path)
    kind = kind_of(path)
    with need("normeq.imaging.pillow", path, "image", "pillow").explained(path):
        if path.is_dir():
            raise IsADirectoryError
        if kind is None:
            known = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
            raise NormeqError(f"{path}: not a kind of file that is read: {known}")
        if kind == "NPY":
            return arrays.read_npy(path, channel_axis)
        if channel_axis is not None:
            raise NormeqError(f"{path}: {kind} files say where their channels are: leave --channel-axis out")
        readers = {"TIFF": tiff.read_tiff, "FITS": arrays.read_fits, "NIfTI": arrays.read_nifti}
        return readers.get(kind, raster.read_raster)(path)
