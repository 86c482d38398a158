"""The gallery: its crops are those of the whole image, its noise is that of the long table."""

import json

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from skimage.io import imsave
from skimage.metrics import peak_signal_noise_ratio

from normeq.denoisers.open import Denoiser
from normeq.errors import NormeqError
from normeq.imaging.crops import detailed_crop, noisy_crop, to_uint8
from normeq.imaging.images import read_gray
from normeq.imaging.noise import labelled_noise
from normeq.suite.measurements.gallery import Moved, evaluate
from tests.synthetic_images import stand_for_data_sets

CPU = torch.device("cpu")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two images of different shapes: data sets ``d`` (both) and ``e`` (the second)."""
    rng = np.random.default_rng(0)
    for name, shape in (("one", (48, 70)), ("two", (64, 40))):
        imsave(tmp_path / f"{name}.png", rng.integers(0, 256, shape, dtype=np.uint8), check_contrast=False)
    paths = sorted(tmp_path.glob("*.png"))
    stand_for_data_sets(monkeypatch, lambda name: paths if name == "d" else paths[1:])
    return paths


def denoiser(function):
    def apply(y, sigma):
        return torch.from_numpy(np.float32(function(y[0, 0].numpy(), sigma)))[None, None]

    return Denoiser("mine", "other", "", "", "", apply, False)


def make(function, **changes):
    options = {"datasets": ["d"], "sigmas": [5.0, 25.0], "size": 16, "context": 3} | changes
    return evaluate(denoiser(function), **options, data_dir="", device=CPU)


def test_the_crop_has_the_detail():
    image = np.zeros((60, 80), np.float32)
    image[24:40, 48:64] = np.random.default_rng(0).random((16, 16))
    assert detailed_crop(image, 16) == (24, 48)
    assert detailed_crop(image[:24, :24], 24) == (0, 0)


def test_crops_are_those_of_the_whole_denoised_image(files):
    part = make(lambda y, sigma: uniform_filter(y, 3))
    assert json.loads(str(part["meta"]))["images"] == ["d/one", "d/two"]
    for i, path in enumerate(files):
        clean = read_gray(path)
        row, column = part["crops"][i]
        where = np.s_[row : row + 16, column : column + 16]
        np.testing.assert_array_equal(part["clean"][i], np.round(clean[where] * 255))
        for j, sigma in enumerate((5, 25)):
            noisy = clean + labelled_noise(clean.shape, sigma, "d", path.stem, 0)
            whole = uniform_filter(noisy, 3)
            np.testing.assert_array_equal(part["denoised"][i, j], to_uint8(whole[where]))
            np.testing.assert_allclose(noisy_crop(part, i, sigma), noisy[where], atol=1e-6)
            expected = peak_signal_noise_ratio(clean[where], whole[where].clip(0, 1), data_range=1)
            assert part["psnr"][i, j] == pytest.approx(expected, abs=1e-4)


def test_intervals_move_a_denoiser_that_clips_and_no_other(files):
    moved = Moved(datasets=["e"], sigma=25, intervals=[(0, 1), (10, 11)])
    options = {"datasets": ["d", "e"], "intervals": moved}
    same = make(lambda y, sigma: uniform_filter(y, 3), **options)
    assert len(same["clean"]) == 3 and same["denoised_moved"].shape == (1, 2, 16, 16)
    np.testing.assert_allclose(same["psnr_moved"][0, 1], same["psnr_moved"][0, 0], atol=1e-3)
    clips = make(lambda y, sigma: np.clip(y, 0, 1), **options)
    assert (clips["denoised_moved"][0, 1] == 0).all() and clips["denoised_moved"][0, 0].any()
    assert json.loads(str(same["meta"]))["moved"]["intervals"] == [[0, 1], [10, 11]]


def test_sigma_follows_the_width_of_the_interval(files):
    given = []
    moved = Moved(datasets=["e"], sigma=25, intervals=[(0, 255)])
    make(lambda y, sigma: given.append(sigma) or y, datasets=["e"], sigmas=[25.0], intervals=moved)
    assert given == pytest.approx([25 / 255, 25])


def test_too_large_a_crop_is_named(files):
    with pytest.raises(NormeqError, match="d/one of 48×70 pixels is smaller than the crop of 50"):
        make(lambda y, sigma: y, size=50)
