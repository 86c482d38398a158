"""A crop is denoised with what the network sees around it, and comes out as in the whole image."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from normeq.denoisers.open import Denoiser, open_denoiser
from normeq.nn import NormalizationWrapper, build_network
from normeq.nn.weights import save_network
from normeq.suite.measuring.batches import run
from normeq.suite.measuring.pictures import Crop, cut, surroundings

CPU = torch.device("cpu")
NETWORKS = {
    "fdncnn": {"depth": 4, "channels": 4},
    "drunet": {"widths": [2, 4], "blocks": 1},
}
CROPS = [Crop(0, 0, 16), Crop(101, 203, 31), Crop(224, 304, 16), Crop(7, 150, 64)]


@pytest.fixture
def opened(tmp_path):
    def opened(architecture, variant):
        options = NETWORKS[architecture]
        network = build_network(architecture, variant, **options).eval()
        about = {"network": {"name": "small", "architecture": architecture, **options}, "variant": variant}
        about |= {"dataset": "d", "sigma": 25.0, "seed": 0, "recipe": {"steps": 1}}
        file = tmp_path / f"{architecture}-{variant}.safetensors"
        save_network(file, network, about)
        return open_denoiser(str(file), CPU)

    return opened


@pytest.mark.parametrize("variant", ["ordinary", "scale", "norm", "invariant", "wrapped"])
@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("shape", [(240, 320), (241, 323)])
def test_a_crop_is_that_of_the_whole(opened, architecture, variant, shape):
    denoiser = opened(architecture, variant)
    noisy = np.random.default_rng(0).random(shape, dtype=np.float32)
    whole = run(denoiser, noisy, 25, CPU)
    for crop in CROPS:
        given, inside = surroundings(denoiser, noisy, crop)
        alone = cut(run(denoiser, given, 25, CPU), inside, "d/one")
        np.testing.assert_allclose(alone, cut(whole, crop, "d/one"), rtol=0, atol=1e-6)
        extended = architecture == "drunet" and shape[0] % 2
        assert (given.size < noisy.size) == (variant != "wrapped" and not extended)


def test_local_statistics_are_part_of_what_is_seen():
    wrapper = NormalizationWrapper(
        build_network("fdncnn", "ordinary", depth=3, channels=2), "local", box=9
    ).eval()

    class Held:
        module = wrapper

    noisy = np.random.default_rng(0).random((240, 320), dtype=np.float32)
    given, inside = surroundings(Held(), noisy, Crop(100, 100, 20))
    with torch.inference_mode():
        alone = wrapper(torch.from_numpy(given.copy())[None, None])[0, 0].numpy()
        whole = wrapper(torch.from_numpy(noisy)[None, None])[0, 0].numpy()
    assert given.size < noisy.size
    np.testing.assert_allclose(cut(alone, inside, "d/one"), whole[100:120, 100:120], rtol=0, atol=1e-5)


def test_what_is_not_known_is_given_the_whole(opened):
    noisy, crop = np.zeros((240, 320), np.float32), Crop(100, 100, 20)
    function = Denoiser("mine", "other", "", "", "", lambda y, sigma: y, False)
    moved = replace(opened("fdncnn", "norm"), function=lambda y, sigma: y, centred=False)
    for denoiser in (function, moved):
        assert surroundings(denoiser, noisy, crop) == (noisy, crop)
