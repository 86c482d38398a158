"""Noise that depends on its label alone."""

import numpy as np
import pytest
from scipy import stats

from normeq.imaging.metrics import psnr
from normeq.imaging.noise import gaussian_noise


def test_same_label_same_noise_whatever_came_before():
    first = gaussian_noise((8, 9), 25, "set12", "01", 0)
    gaussian_noise((100, 3), 10, "set12", "02", 1)
    np.random.default_rng().normal(size=10)
    np.testing.assert_array_equal(gaussian_noise((8, 9), 25.0, "set12", "01", 0), first)


@pytest.mark.parametrize(
    "label", [(26, "set12", "01", 0), (25, "bsd68", "01", 0), (25, "set12", "02", 0), (25, "set12", "01", 1)]
)
def test_any_part_of_the_label_changes_the_noise(label):
    one = gaussian_noise((64, 64), 25, "set12", "01", 0).ravel()
    other = gaussian_noise((64, 64), *label).ravel()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.06


def test_distribution():
    noise = gaussian_noise((256, 256), 25, "set12", "01", 0)
    assert noise.dtype == np.float32
    assert stats.kstest(noise.ravel() * 255 / 25, "norm").pvalue > 1e-4


@pytest.mark.parametrize("sigma", [5, 25, 100])
def test_psnr_of_the_noisy_image_is_the_textbook_value(sigma):
    """20·log10(255/σ) without clipping, within 5 standard errors of the mean squared error."""
    clean = np.full((256, 256), 0.5, dtype=np.float32)
    found = psnr(clean + gaussian_noise(clean.shape, sigma, "d", "i", 0), clean, clip=False)
    error = 10 / np.log(10) * np.sqrt(2 / clean.size)
    assert found == pytest.approx(20 * np.log10(255 / sigma), abs=5 * error)


def test_no_noise():
    assert not gaussian_noise((3, 3), 0, "d", "i", 0).any()


def test_negative_sigma():
    with pytest.raises(ValueError, match="negative"):
        gaussian_noise((3, 3), -1, "d", "i", 0)
