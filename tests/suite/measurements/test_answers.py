"""What a denoiser may answer, and what is refused in one line."""

import pytest
import torch

from normeq.denoisers.open import OTHER, Denoiser, open_denoiser
from normeq.errors import NormeqError
from normeq.nn import build_network
from normeq.nn.weights import save_network
from normeq.suite.measuring.batches import denoise

CPU = torch.device("cpu")


def test_a_saved_colour_network_is_refused_at_once(tmp_path):
    network = {"name": "rgb", "architecture": "fdncnn", "depth": 3, "channels": 4, "image_channels": 3}
    run = {
        "network": network,
        "variant": "norm",
        "dataset": "d",
        "sigma": 25,
        "seed": 0,
        "recipe": {"steps": 1},
    }
    built = build_network("fdncnn", "norm", depth=3, channels=4, image_channels=3)
    save_network(tmp_path / "model.safetensors", built, run)
    with pytest.raises(NormeqError, match="image_channels must be 1, not 3"):
        open_denoiser(str(tmp_path), CPU)


class Returns(torch.nn.Module):
    """A user's network with a given answer."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, y, sigma):
        return self.answer(y)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda y: (y, y), "denoiser x: returned a tuple, not one image"),
        (lambda y: {"image": y}, "denoiser x: returned a dict"),
        (lambda y: None, "denoiser x: returned None"),
        (lambda y: y.numpy(), "denoiser x: returned a ndarray"),
        (lambda y: y[..., 1:], r"denoiser x: returned shape .* for images of shape"),
        (lambda y: y[:, 0], r"denoiser x: returned shape .* for images of shape"),
        (lambda y: y + 0j, "denoiser x: returned complex64"),
        (lambda y: y / 0, "denoiser x: its output at σ = 25 is not finite"),
        (lambda y: 255 * y, r"denoiser x: returned values around \d+ for an image in \[0,1\]"),
        (lambda y: (255 * y.clamp(0, 1)).to(torch.uint8), "denoiser x: returned values around"),
        (lambda y: 0.7 * 4095 * y + 100, "denoiser x: returned values around"),
    ],
)
def test_answers_that_are_no_denoised_image(answer, message):
    opened = Denoiser("x", OTHER, "", "", "", Returns(answer), True)
    noisy = torch.rand(2, 12, 12)
    with pytest.raises(NormeqError, match=message) as error:
        denoise(opened, noisy, 25, nominal=True)
    assert "\n" not in str(error.value)


def test_an_image_that_is_not_finite_is_refused():
    noisy = torch.rand(1, 12, 12)
    noisy[0, 3, 3] = torch.nan
    opened = Denoiser("x", OTHER, "", "", "", Returns(torch.nan_to_num), True)
    with pytest.raises(NormeqError, match="denoiser x: the image at σ = 25 holds NaN or infinity"):
        denoise(opened, noisy, 25)


def test_a_wild_answer_of_another_range_is_measured():
    """What a biased denoiser says on [0, 0.001], sent back to [0,1], is no mistake of units."""
    opened = Denoiser("x", OTHER, "", "", "", Returns(lambda y: 200 + 100 * y), True)
    assert denoise(opened, torch.rand(1, 12, 12), 25).mean() > 16
