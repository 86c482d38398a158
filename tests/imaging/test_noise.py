"""Noise that depends on its label alone."""

import numpy as np
import pytest
import torch
from scipy import stats

from normeq.errors import NormeqError
from normeq.imaging.metrics import psnr
from normeq.imaging.noise import get_noise, labelled_noise, noise_names
from normeq.imaging.protocol import get_protocol


def test_same_label_same_noise_whatever_came_before():
    first = labelled_noise((8, 9), 25, "set12", "01", 0)
    labelled_noise((100, 3), 10, "set12", "02", 1)
    np.random.default_rng().normal(size=10)
    np.testing.assert_array_equal(labelled_noise((8, 9), 25.0, "set12", "01", 0), first)


@pytest.mark.parametrize(
    "label", [(26, "set12", "01", 0), (25, "bsd68", "01", 0), (25, "set12", "02", 0), (25, "set12", "01", 1)]
)
def test_any_part_of_the_label_changes_the_noise(label):
    one = labelled_noise((64, 64), 25, "set12", "01", 0).ravel()
    other = labelled_noise((64, 64), *label).ravel()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.06


# Distributions of mean 0 and variance 1, by SciPy.
DISTRIBUTIONS = {
    "gaussian": stats.norm(),
    "laplace": stats.laplace(scale=0.5**0.5),
    "uniform": stats.uniform(loc=-(3**0.5), scale=2 * 3**0.5),
}


@pytest.mark.parametrize("name", noise_names())
def test_distribution(name):
    """That of its name with standard deviation σ, in tests (keyed by label) and in training (on a device)."""
    expected = DISTRIBUTIONS[name]
    assert expected.var() == pytest.approx(1)
    noise = labelled_noise((256, 256), 25, "set12", "01", 0, name)
    assert noise.dtype == np.float32
    generator = torch.Generator().manual_seed(3)
    drawn = get_noise(name).unit_tensor((256, 256), generator, torch.device("cpu")).numpy()
    assert drawn.dtype == np.float32 and np.isfinite(drawn).all()
    for samples in (noise * 255 / 25, drawn):
        assert stats.kstest(samples.ravel(), expected.cdf).pvalue > 1e-4


def test_every_type_has_its_own_noise_and_the_default_is_gaussian():
    noises = {name: labelled_noise((64, 64), 25, "d", "i", 0, name).ravel() for name in noise_names()}
    np.testing.assert_array_equal(noises["gaussian"], labelled_noise((64, 64), 25, "d", "i", 0).ravel())
    assert abs(np.corrcoef(noises["laplace"], noises["uniform"])[0, 1]) < 0.06
    with pytest.raises(NormeqError, match="unknown noise 'rain': choose from gaussian"):
        get_noise("rain")


def test_a_protocol_with_another_noise_is_named_after_it():
    protocol = get_protocol("paper", "laplace")
    assert protocol == get_protocol("paper+laplace") and protocol.name == "paper+laplace"
    clean = np.full((16, 16), 0.5, np.float32)
    noise = protocol.noisy(clean, 20, "d", "i", 0) - clean
    np.testing.assert_allclose(noise, labelled_noise((16, 16), 20, "d", "i", 0, "laplace"), atol=1e-7)
    with pytest.raises(NormeqError, match="kair has Gaussian noise only"):
        get_protocol("kair", "laplace")


@pytest.mark.parametrize("sigma", [5, 25, 100])
def test_psnr_of_the_noisy_image_is_the_textbook_value(sigma):
    """20·log10(255/σ) without clipping, within 5 standard errors of the mean squared error."""
    clean = np.full((256, 256), 0.5, dtype=np.float32)
    found = psnr(clean + labelled_noise(clean.shape, sigma, "d", "i", 0), clean, clip=False)
    error = 10 / np.log(10) * np.sqrt(2 / clean.size)
    assert found == pytest.approx(20 * np.log10(255 / sigma), abs=5 * error)


def test_no_noise():
    assert not labelled_noise((3, 3), 0, "d", "i", 0).any()


def test_negative_sigma():
    with pytest.raises(ValueError, match="negative"):
        labelled_noise((3, 3), -1, "d", "i", 0)
