"""Classical denoisers: they remove noise, keep shape and format, and hide no rescaling."""

import inspect
import sys
from types import ModuleType

import numpy as np
import pytest

from normeq import classical
from normeq.errors import NormeqError

SIGMA = 25 / 255


@pytest.fixture
def pair():
    """A smooth picture with one edge, and the same with noise."""
    rows, columns = np.mgrid[0:48, 0:40] / 48
    clean = 0.4 + 0.2 * np.sin(3 * rows) + 0.2 * (columns > 0.4)
    return clean, clean + np.random.default_rng(0).normal(0, SIGMA, clean.shape)


@pytest.mark.parametrize("name", classical.CLASSICAL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_removes_noise_in_the_format_given(pair, name, dtype):
    clean, noisy = pair
    before = noisy.astype(dtype)
    output = getattr(classical, name)(before, SIGMA)
    assert output.shape == clean.shape and output.dtype == dtype
    assert np.array_equal(before, noisy.astype(dtype))  # the input is left alone
    assert np.mean((output - clean) ** 2) < 0.5 * np.mean((noisy - clean) ** 2)


@pytest.mark.parametrize("name", classical.CLASSICAL)
def test_the_output_is_not_clipped(pair, name):
    _, noisy = pair
    assert getattr(classical, name)(100 * noisy + 7, 100 * SIGMA).max() > 30


@pytest.mark.parametrize("name", ["tv", "nlm", "wavelet", "bilateral"])
def test_more_noise_is_more_smoothing(pair, name):
    _, noisy = pair
    low, high = (np.var(np.diff(getattr(classical, name)(noisy, f * SIGMA))) for f in (0.3, 1.5))
    assert high < 0.7 * low


def test_the_list_names_every_function():
    public = [
        n for n, f in inspect.getmembers(classical, inspect.isfunction) if f.__module__ == classical.__name__
    ]
    assert sorted([*classical.CLASSICAL, "bm3d"]) == sorted(public)  # which must be installed by hand


def test_median_and_gaussian_ignore_sigma(pair):
    _, noisy = pair
    for function in (classical.median, classical.gaussian):
        np.testing.assert_array_equal(function(noisy, 0.01), function(noisy, 0.5))


def test_bm3d_is_its_authors_package_where_that_is_installed(monkeypatch):
    package = ModuleType("bm3d")
    package.bm3d = lambda z, sigma_psd: z * sigma_psd
    monkeypatch.setitem(sys.modules, "bm3d", package)
    assert classical.bm3d(np.full((2, 2), 3.0), 2.0).tolist() == [[6, 6], [6, 6]]


def test_without_bm3d_the_message_names_its_licence(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)  # importing it fails
    with pytest.raises(NormeqError, match="bm3d is not installed: .*non-commercial") as caught:
        classical.bm3d(np.zeros((2, 2)), 0.1)
    assert "\n" not in str(caught.value)
