"""PSNR and SSIM against scikit-image and against the definitions."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from normeq.errors import NormeqError
from normeq.imaging.metrics import psnr, ssim

rng = np.random.default_rng(0)
CLEAN = rng.random((40, 50))
NOISY = CLEAN + 0.3 * rng.normal(size=CLEAN.shape)


def test_psnr_without_clipping_equals_scikit_image():
    expected = peak_signal_noise_ratio(CLEAN, NOISY, data_range=1.0)
    assert psnr(NOISY, CLEAN, clip=False) == pytest.approx(expected, rel=1e-12)


def test_psnr_clips_the_output():
    expected = peak_signal_noise_ratio(CLEAN, NOISY.clip(0, 1), data_range=1.0)
    assert psnr(NOISY, CLEAN) == pytest.approx(expected, rel=1e-12)


def test_psnr_on_8_bits_equals_scikit_image_on_bytes():
    clean = (CLEAN * 255).round() / 255
    bytes_ = (NOISY.clip(0, 1) * 255).round().astype(np.uint8)
    expected = peak_signal_noise_ratio((clean * 255).round().astype(np.uint8), bytes_, data_range=255)
    assert psnr(NOISY, clean, round_8bit=True) == pytest.approx(expected, rel=1e-9)


def test_psnr_takes_tensors_and_does_not_lose_precision():
    clean = torch.full((1000, 1000), 0.5)
    assert psnr(clean + 1e-3, clean) == pytest.approx(60, abs=1e-3)


def test_equal_images():
    assert math.isinf(psnr(CLEAN, CLEAN))
    broken = CLEAN.copy()
    broken[0, 0] = np.nan
    assert math.isnan(psnr(broken, CLEAN)) and math.isnan(psnr(broken, CLEAN, round_8bit=True))
    assert ssim(CLEAN, CLEAN) == pytest.approx(1)


def test_shapes_must_agree():
    for measure in (psnr, ssim):
        with pytest.raises(ValueError, match="one shape"):
            measure(CLEAN, CLEAN[:-1])


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize(
    ("image", "clean", "message"),
    [
        (
            (NOISY.clip(0, 1) * 255).astype(np.uint8),
            (CLEAN * 255).astype(np.uint8),
            "not uint8: divide by 255",
        ),
        (NOISY, (CLEAN * 255).astype(np.uint8), "not uint8: divide by 255"),
        ((NOISY.clip(0, 1) * 255).astype(np.uint8), CLEAN, "not uint8: divide by 255"),
        (torch.zeros(40, 50, dtype=torch.int32), CLEAN, "not int32"),
        (NOISY * 255, CLEAN * 255, r"must lie in \[0,1\].*values from 0.0\d+ to 25\d"),
        (NOISY - 1, CLEAN - 1, r"must lie in \[0,1\].*values from -0.99"),
    ],
)
def test_images_in_other_units_are_refused(measure, image, clean, message):
    """psnr(uint8, uint8) was -38.9 dB, without a word."""
    with pytest.raises(NormeqError, match=message):
        measure(image, clean)


def test_ssim_is_that_of_wang():
    """The definition of Wang et al. 2004, with an explicit 11×11 window at one pixel after another."""
    clean, noisy = CLEAN[:16, :16], NOISY[:16, :16].clip(0, 1)
    axis = np.arange(-5, 6)
    window = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for r in range(5, 11):
        for c in range(5, 11):
            x = clean[r - 5 : r + 6, c - 5 : c + 6]
            y = noisy[r - 5 : r + 6, c - 5 : c + 6]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            c1, c2 = 0.01**2, 0.03**2
            values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    assert ssim(noisy, clean) == pytest.approx(np.mean(values), rel=1e-6)


@pytest.mark.parametrize(("window", "side"), [("gaussian", 11), ("uniform", 7)])
def test_an_image_smaller_than_the_window_of_ssim_is_one_line(window, side):
    image = np.full((side, side), 0.5)
    assert ssim(image, image, window) == pytest.approx(1)
    with pytest.raises(NormeqError, match="too small"):
        ssim(image[1:], image[1:], window)
