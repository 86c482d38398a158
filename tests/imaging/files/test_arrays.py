"""NPY, FITS and NIfTI: what is read and written again is the file that it was."""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from normeq.errors import NormeqError
from normeq.imaging.files import read
from tests.imaging.files.samples import DTYPES, again, values


@pytest.mark.parametrize("dtype", [*DTYPES, ">u2", ">f4", "u8", "i8"])
@pytest.mark.parametrize("shape", [(7, 9), (4, 7, 9), (2, 3, 7, 9)])
def test_npy(tmp_path, dtype, shape):
    array = values(shape, np.dtype(dtype).newbyteorder("=")).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    picture, target = again(tmp_path / "a.npy")
    found = np.load(target)
    assert found.dtype == array.dtype and np.array_equal(found, array) and picture.array.dtype == array.dtype


def test_npy_with_channels(tmp_path):
    np.save(tmp_path / "a.npy", values((7, 9, 3), "u1"))
    assert read(tmp_path / "a.npy", -1).channel_axis == -1
    with pytest.raises(NormeqError, match="give --channel-axis -1"):
        read(tmp_path / "a.npy")
    with pytest.raises(NormeqError, match="no axis 3"):
        read(tmp_path / "a.npy", 3)


if find_spec("astropy"):  # an optional package

    @pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
    @pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
    def test_fits(tmp_path, dtype, suffix):
        from astropy.io import fits

        array = values((3, 7, 9), dtype)
        units = [fits.PrimaryHDU(array), fits.ImageHDU(values((4, 4), "i2"), name="DQ")]
        units[0].header["OBJECT"] = "M31"
        fits.HDUList(units).writeto(tmp_path / f"a{suffix}")
        picture, target = again(tmp_path / f"a{suffix}")
        assert picture.array.shape == array.shape and "is denoised" in picture.notes[1]
        with fits.open(tmp_path / f"a{suffix}") as before, fits.open(target) as after:
            assert (
                after[0].header == before[0].header
                and after[0].header["BITPIX"] == before[0].header["BITPIX"]
            )
            assert np.array_equal(after[0].data, array) and np.array_equal(after[1].data, units[1].data)

    def test_checksums_of_fits_are_those_of_what_is_written(tmp_path):
        from astropy.io import fits

        fits.PrimaryHDU(values((7, 9), "f4")).writeto(tmp_path / "a.fits", checksum=True)
        picture = read(tmp_path / "a.fits")
        picture.write(tmp_path / "b.fits", picture.array + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # as which astropy tells of a wrong sum
            with fits.open(tmp_path / "b.fits", checksum=True) as after:
                assert "CHECKSUM" in after[0].header and after[0].data.shape == (7, 9)

    def test_scaled_fits(tmp_path):
        from astropy.io import fits

        unit = fits.PrimaryHDU(values((7, 9), "f4"))
        unit.scale("int16", bscale=0.25, bzero=100)
        unit.header["BLANK"] = -32768
        unit.writeto(tmp_path / "a.fits")
        picture, target = again(tmp_path / "a.fits")
        assert picture.array.dtype == np.int16 and picture.inside((100, 101)) == (0, 4)
        with fits.open(tmp_path / "a.fits") as before, fits.open(target) as after:
            assert after[0].header["BITPIX"] == 16 and after[0].header["BSCALE"] == 0.25
            assert np.array_equal(after[0].data, before[0].data)  # which takes BSCALE out of the header


if find_spec("nibabel"):  # an optional package

    @pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8"])
    @pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
    @pytest.mark.parametrize("slope", [None, 0.25])
    def test_nifti(tmp_path, dtype, suffix, slope):
        import nibabel

        array = values((7, 9, 3, 2), dtype)
        image = nibabel.Nifti1Image(array, np.diag([2.0, 3.0, 4.0, 1.0]))
        image.header["descrip"] = b"scan"
        if slope:
            image.header.set_slope_inter(slope, 100)
        nibabel.save(image, tmp_path / f"a{suffix}")
        picture, target = again(tmp_path / f"a{suffix}")
        assert picture.array.shape == (2, 3, 9, 7) and picture.array.dtype == np.dtype(dtype)
        before, after = nibabel.load(tmp_path / f"a{suffix}"), nibabel.load(target)
        assert np.array_equal(before.dataobj.get_unscaled(), after.dataobj.get_unscaled())
        assert np.array_equal(before.get_fdata(), after.get_fdata()) and np.array_equal(
            before.affine, after.affine
        )
        assert (
            before.header["descrip"] == after.header["descrip"]
            and before.get_data_dtype() == after.get_data_dtype()
        )
