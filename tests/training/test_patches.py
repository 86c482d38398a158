"""Patches: every draw depends on seed and step alone, and reaches everything."""

import numpy as np
import pytest
import torch

from normeq.errors import NormeqError
from normeq.training.patches import PatchSampler

CPU = torch.device("cpu")


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((40, 48), (33, 70), (20, 90))]


def sampler(images, patch, batch, sigma=(25, 25), seed=0):
    return PatchSampler(images, patch, batch, sigma, seed, CPU)


def test_draws_depend_on_seed_and_step_alone(pictures):
    one, other = sampler(pictures, 16, 4, seed=3), sampler(pictures, 16, 4, seed=3)
    for step in (0, 1, 2):
        one.draw(step)
    assert all(torch.equal(a, b) for a, b in zip(one.draw(7), other.draw(7), strict=True))
    assert not torch.equal(one.draw(7)[1], one.draw(8)[1])
    assert not torch.equal(one.draw(7)[1], sampler(pictures, 16, 4, seed=4).draw(7)[1])


def test_parts_make_up_the_batch(pictures):
    whole = sampler(pictures, 16, 6, (0, 50)).draw(5)
    parts = [sampler(pictures, 16, 6, (0, 50)).draw(5, slice(k, k + 2)) for k in (0, 2, 4)]
    for n, tensor in enumerate(whole):
        assert torch.equal(torch.cat([part[n] for part in parts]), tensor)


def test_every_position_and_orientation_alike():
    """6 positions times 8 orientations in a picture of distinct values, each as often as the others."""
    image = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6)
    crops = (sampler([image], 4, 9600, (0, 0)).draw(0)[1][:, 0] * 255).round().int().numpy()
    seen, counts = np.unique(crops.reshape(-1, 16), axis=0, return_counts=True)
    windows = np.lib.stride_tricks.sliding_window_view(image, (4, 4)).reshape(-1, 4, 4)
    expected = {
        np.ascontiguousarray(np.rot90(view, k)).tobytes()
        for window in windows.astype(np.int32)
        for view in (window, window.T)
        for k in range(4)
    }
    assert {row.tobytes() for row in seen.astype(np.int32)} == expected and len(seen) == 48
    assert counts.min() > 130 and counts.max() < 275  # 200 expected, ± 5 standard deviations


def test_patches_lie_inside_their_picture(pictures):
    """Every patch of a large draw occurs in one of the pictures, also those at the far corners."""
    known = {
        view.tobytes()
        for image in pictures
        for window in np.lib.stride_tricks.sliding_window_view(image, (16, 16)).reshape(-1, 16, 16)
        for view in (window[0], window[-1], window[:, 0], window[:, -1])
        for view in (view, view[::-1])
    }
    clean = (sampler(pictures, 16, 500).draw(1)[1][:, 0] * 255).round().byte().numpy()
    assert all(crop[0].tobytes() in known for crop in clean)


def test_noise_levels(pictures):
    noisy, clean, sigma = sampler(pictures, 20, 64, (10, 50)).draw(0)
    assert sigma.min() * 255 >= 10 and sigma.max() * 255 <= 50 and sigma.std() > 0
    measured = (noisy - clean).flatten(1).std(dim=1)
    torch.testing.assert_close(measured, sigma, rtol=0.2, atol=0)
    assert clean.min() >= 0 and clean.max() <= 1 and noisy.max() > clean.max()


def test_patch_larger_than_every_image(pictures):
    with pytest.raises(NormeqError, match="no training image is as large as a patch of 64×64"):
        sampler(pictures, 64, 1)
