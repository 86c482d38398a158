"""The protocol against NumPy, scikit-image, arithmetic, and values that others published."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.metrics import structural_similarity

from normeq.errors import NormeqError
from normeq.imaging.metrics import Reference, ssim
from normeq.imaging.protocol import KAIR, PAPER, get_protocol

COMPACT = Path(__file__).parents[2] / "results/compact/noise_levels.csv"
rng = np.random.default_rng(0)
CLEAN = rng.random((512, 384)).astype(np.float32)


@pytest.mark.parametrize("protocol", [PAPER, KAIR], ids=lambda protocol: protocol.name)
@pytest.mark.parametrize("sigma", [5, 25, 100])
def test_unclipped_input_has_the_psnr_of_its_noise(protocol, sigma):
    noisy = protocol.noisy(CLEAN, sigma, "d", "i", 0)
    assert noisy.dtype == np.float32
    found = Reference(CLEAN[None]).psnr(noisy[None], clip=False)[0]
    assert found == pytest.approx(20 * math.log10(255 / sigma), abs=0.05)  # 3.5 standard errors


@pytest.mark.parametrize("sigma", [25, 100])
def test_clipped_input_has_the_psnr_of_clipped_noise(sigma):
    """On gray 0.5 the error is min(|n|, 0.5), whose mean square is an integral."""
    gray = np.full((600, 600), 0.5, np.float32)
    s = sigma / 255
    n = np.linspace(-8, 8, 100_001) * s
    density = np.exp(-0.5 * (n / s) ** 2) / (s * math.sqrt(2 * math.pi))
    expected = -10 * math.log10(np.trapezoid(np.minimum(abs(n), 0.5) ** 2 * density, n))
    noisy = replace(PAPER, clip_input=True).noisy(gray, sigma, "d", "i", 0)
    assert noisy.min() >= 0 and noisy.max() <= 1
    assert Reference(gray[None]).psnr(noisy[None], clip=False)[0] == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(("sigma", "published"), [(10, 28.27), (30, 18.97), (50, 14.91), (100, 10.31)])
def test_clipped_input_of_bsd68_is_that_of_mohan_et_al(sigma, published):
    """BF-CNN's repository prints these means over BSD68 (clipped noisy image, one draw)."""
    table = pd.read_csv(COMPACT)
    rows = table[(table["dataset"] == "bsd68") & (table["sigma"] == sigma) & (table["draw"] == 0)]
    per_image = rows.groupby("image")["psnr_in_clipped"].first()
    assert len(per_image) == 68
    assert per_image.mean() == pytest.approx(published, abs=0.02)


def test_unclipped_input_of_the_committed_results_follows_sigma():
    table = pd.read_csv(COMPACT)
    for (_, sigma), rows in table.groupby(["dataset", "sigma"]):
        assert rows["psnr_in"].mean() == pytest.approx(20 * math.log10(255 / sigma), abs=0.02)


def test_the_noise_of_kair_is_numpys_after_seed_0_for_every_image():
    np.random.seed(0)
    expected = np.random.normal(0, 25 / 255, (*CLEAN.shape, 1))[..., 0]
    for image in ("one", "two"):
        np.testing.assert_allclose(KAIR.noisy(CLEAN, 25, "d", image, 0) - CLEAN, expected, rtol=0, atol=1e-7)
    assert not np.array_equal(KAIR.noisy(CLEAN, 25, "d", "one", 0), KAIR.noisy(CLEAN, 25, "d", "one", 1))
    assert not np.array_equal(PAPER.noisy(CLEAN, 25, "d", "one", 0), PAPER.noisy(CLEAN, 25, "d", "two", 0))


@pytest.mark.parametrize(("psnr", "cost"), [(29.2, 0.005), (40, 0.055), (48, 0.34)])
def test_what_8_bits_cost(psnr, cost):
    """Rounding adds a mean square of 1/12 level²: published sizes in the notes on conventions."""
    clean = (np.random.default_rng(1).integers(40, 216, (512, 512)) / 255).astype(np.float32)
    error = np.random.default_rng(2).normal(0, 10 ** (-psnr / 20), clean.shape)
    output = torch.from_numpy(clean + error)[None]
    reference = PAPER.reference(torch.from_numpy(clean)[None])
    found = PAPER.psnr(reference, output)[0] - KAIR.psnr(reference, output)[0]
    assert found == pytest.approx(cost, abs=0.1 * cost + 0.001)


@pytest.mark.parametrize(
    ("window", "options"),
    [("gaussian", {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}), ("uniform", {})],
)
def test_ssim_is_that_of_scikit_image(window, options):
    noisy = (CLEAN + 0.2 * rng.normal(size=CLEAN.shape)).clip(0, 1)
    expected = structural_similarity(CLEAN.astype(float), noisy.astype(float), data_range=1.0, **options)
    assert ssim(noisy, CLEAN, window) == pytest.approx(expected, abs=1e-12)
    reference = Reference(np.stack([CLEAN, CLEAN[::-1]]))
    both = [reference.ssim(np.stack([noisy, noisy[::-1]]), window) for _ in range(2)]
    assert both[0] == both[1] == pytest.approx([expected, expected], abs=1e-12)


def test_kair_judges_the_rounded_output():
    clean = torch.from_numpy(CLEAN)[None]
    output = clean + 0.1
    rounded = (output.double().clamp(0, 1) * 255).round() / 255
    reference = KAIR.reference(clean)
    assert KAIR.psnr(reference, output) == PAPER.psnr(reference, rounded)
    assert KAIR.ssim(reference, output) == PAPER.ssim(reference, rounded)
    assert KAIR.ssim(reference, output) != PAPER.ssim(reference, output)


def test_borders_are_shaved_off():
    clean = torch.from_numpy(CLEAN)[None]
    output = clean.clone()
    output[:, :4] += 0.5
    output[:, :, -4:] -= 0.5
    assert replace(PAPER, border=4).psnr(replace(PAPER, border=4).reference(clean), output) == [math.inf]
    assert PAPER.psnr(PAPER.reference(clean), output)[0] < 30


def test_rounded_input_has_256_levels_and_studio_range_220():
    noisy = replace(PAPER, round_input=True).noisy(CLEAN, 25, "d", "i", 0)
    np.testing.assert_allclose(noisy * 255, np.round(noisy * 255), atol=1e-4)
    video = replace(PAPER, studio_range=True).clean(np.array([0, 1], np.float32))
    np.testing.assert_allclose(video * 255, [16, 235], rtol=1e-6)


def test_the_card_says_what_differs():
    paper, kair = PAPER.card(), KAIR.card()
    assert [subject for subject in paper if paper[subject] != kair[subject]] == [
        "seed of the noise",
        "output",
    ]
    with pytest.raises(NormeqError, match="unknown protocol 'matlab': choose from paper, kair"):
        get_protocol("matlab")
