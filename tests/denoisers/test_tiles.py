"""Tiles: together they equal the whole, cover it once, and keep to the memory."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from normeq.denoisers import tiles
from normeq.denoisers.denoise import denoise
from normeq.denoisers.opened import open_network
from tests.denoisers.networks import KINDS, small


def size_of(x):
    return float(np.abs(np.asarray(x)).max())


@pytest.mark.parametrize(("architecture", "variant"), KINDS)
@pytest.mark.parametrize("tile", [37, 96])
def test_tiles_equal_the_whole(architecture, variant, tile):
    network = small(architecture, variant)
    y = np.random.default_rng(2).random((171, 203)).astype(np.float32)
    whole = denoise(y, network, range=(0, 1), tile=None)
    assert len(tiles.tiles(171, 203, tile, open_network(network))) > 3
    assert np.array_equal(denoise(y, network, range=(0, 1), tile=tile), whole)


@pytest.mark.parametrize("options", [{"noise_map": True}, {"margin": "mean", "noise_map": True}])
@pytest.mark.parametrize("variant", ["norm", "wrapped"])
def test_tiles_of_a_drunet(variant, options):
    network = small("drunet", variant, **options)
    y = np.random.default_rng(2).random((171, 203)).astype(np.float32)
    sigma = 0.1 if network.noise_map else None
    whole = denoise(y, network, sigma=sigma, tile=None)
    assert np.array_equal(denoise(y, network, sigma=sigma, tile=64), whole)
    with torch.no_grad():
        direct = network(torch.from_numpy(y)[None, None], sigma)[0, 0].numpy()
    assert size_of(direct - whole) < 1e-5


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 700), width=st.integers(1, 700), tile=st.just("auto") | st.integers(1, 300),
    kind=st.sampled_from(["fdncnn", "drunet", "ffdnet"]), memory=st.integers(10**5, 10**8),
)  # fmt: skip
def test_tiles_cover_the_image_once_with_their_halo(height, width, tile, kind, memory):
    network = open_network(small(kind, "norm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "MEMORY", memory)
        found = tiles.tiles(height, width, tile, network)
        most = tiles.most_pixels(network)
    seen = np.zeros((height, width), int)
    for part in found:
        seen[part.core] += 1
        for core, outer, length in zip(part.core, part.outer, (height, width), strict=True):
            assert outer.start == 0 or core.start - outer.start >= network.reach.halo
            assert outer.stop == length or outer.stop - core.stop >= network.reach.halo
            assert outer.start % network.reach.multiple == core.start % network.reach.multiple == 0
    assert (seen == 1).all()
    if tile == "auto" and height * width > max(most, tiles.SMALL):
        assert len(found) > 1 or min(height, width) <= 3 * network.reach.halo


@pytest.mark.parametrize("limit", [2 * 10**6])
def test_auto_keeps_to_the_memory(monkeypatch, limit):
    monkeypatch.setattr(tiles, "MEMORY", limit * 100)
    network = open_network("fdncnn-norm-sigma25")
    for height, width in ((14_000, 14_000), (200, 10**6), (10**6, 1), (5000, 731)):
        for part in tiles.tiles(height, width, "auto", network):
            rows, columns = (place.stop - place.start for place in part.outer)
            assert rows * columns <= tiles.most_pixels(network)
