"""A 16-bit image with an offset and a small range, and what people take for black and white."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import normeq
from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from normeq.suite.measurements import microscopy
from normeq.suite.measuring.pictures import Crop
from tests.synthetic_networks import save_small

CPU = torch.device("cpu")
CROP = Crop(100, 200, 48)


def measured(tmp_path, variant, **settings):
    file = save_small(tmp_path / f"{variant}.safetensors", variant)
    given = {"sigma": 25.0, "offset": 400, "span": 600} | settings
    return microscopy.evaluate(
        open_denoiser(str(file), CPU), "skimage-test/camera", CROP, **given, data_dir="data", device=CPU
    )


@pytest.fixture(autouse=True)
def photograph(monkeypatch):
    """A synthetic photograph and its noisy version, in place of one from a data set."""
    rows, columns = np.mgrid[:160, :256]
    clean = (0.5 + 0.4 * np.sin(rows / 9) * np.cos(columns / 7)).astype(np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, 25 / 255, clean.shape).astype(np.float32)
    file = SimpleNamespace(dataset="skimage-test", name="camera")
    monkeypatch.setattr(microscopy, "noisy_versions", lambda *asked: (file, clean, [noisy]))
    return noisy


@pytest.mark.parametrize("variant", ["ordinary", "norm"])
def test_it_is_what_the_command_gives(tmp_path, photograph, variant):
    """``normeq.denoise`` of the 16-bit image, with each range."""
    found = measured(tmp_path, variant)
    counts = np.clip(np.rint(400 + 600 * photograph), 0, 65535).astype(np.uint16)
    network = str(tmp_path / f"{variant}.safetensors")
    for number, span in enumerate(found["ranges"]):
        clean = normeq.denoise(counts, network, range=tuple(map(float, span)))
        row, column, size = CROP
        expected = clean[row : row + size, column : column + size].astype(float)
        counted = 400 + 600 * found["denoised"][number]
        assert np.abs(counted - expected).max() <= 1.001, microscopy.NAMES[number]
        assert np.mean(np.abs(counted - expected) > 0.001) < 0.01  # rounded the other way


def test_an_equivariant_network_has_one_answer_and_an_ordinary_one_has_not(tmp_path):
    equal, other = measured(tmp_path, "norm"), measured(tmp_path, "ordinary")
    assert np.ptp(equal["psnr"]) < 0.02 < 0.1 < np.ptp(other["psnr"])
    assert equal["ranges"][-1].tolist() == [400, 1000] and len(equal["ranges"]) == len(microscopy.NAMES)


def test_noisy_white_must_fit_into_16_bits():
    def fail(key, why):
        raise NormeqError(f"{key}: {why}")

    settings = microscopy.Microscopy(image="a/b", crop=[0, 0, 8], sigma=25, offset=60000, span=4000)
    with pytest.raises(NormeqError, match="must fit into 16 bits"):
        settings.check(fail)
