"""The wrapper with statistics of the surroundings of each pixel."""

import numpy as np
import pytest
import torch

import normeq
from normeq.equivariance.defect import defect
from normeq.errors import NormeqError
from normeq.nn import NormalizationWrapper, build_network, fold
from tests.denoisers.networks import small

SMALL = {
    "fdncnn": {"depth": 4, "channels": 8},
    "drunet": {"widths": (4, 6), "blocks": 1},
    "dncnn": {"depth": 4, "channels": 8},
}


def local(architecture="fdncnn", box=7, **options):
    torch.manual_seed(0)
    network = build_network(
        architecture, "wrapped", statistics="local", box=box, **SMALL[architecture], **options
    )
    return network.double().eval()


def image(*size):
    return torch.rand(size, generator=torch.Generator().manual_seed(1)).double()


def statistics(y, box):
    """Mean and deviation of one gray image by the definition, pixel by pixel."""

    def mean(x):
        out, half = torch.empty_like(x), box // 2
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                out[i, j] = x[max(0, i - half) : i + half + 1, max(0, j - half) : j + half + 1].mean()
        return out

    return mean(y), mean((y - mean(y)).square()).sqrt()


@pytest.mark.parametrize(("size", "box"), [((12, 15), 5), ((4, 9), 7), ((1, 6), 3), ((5, 5), 49)])
def test_it_is_what_the_definition_says(size, box):
    network, y = local(box=box), image(1, 1, *size)
    mean, std = statistics(y[0, 0], box)
    inner = network.network((y - mean) / std.where(std > 0, torch.ones_like(std)))
    torch.testing.assert_close(network(y), std * inner + mean)


@pytest.mark.parametrize("architecture", SMALL)
@pytest.mark.parametrize("size", [(13, 18), (1, 1), (1, 9)])
@pytest.mark.parametrize(("scale", "shift"), [(1e-3, -100.0), (40.0, 10.0), (1.0, 10.0)])
def test_it_is_equivariant(architecture, size, scale, shift):
    network = local(architecture)
    assert defect(network, image(2, 1, *size), scale, shift).normalised < 1e-8


def test_in_float32_a_large_offset_costs_only_its_digits():
    """Deviations from a difference of squares would lose all of theirs."""
    network, y = local().float(), image(1, 1, 20, 20).float()
    assert defect(network, y, 1.0, 100.0).absolute < 1e-3


@pytest.mark.parametrize("architecture", ["fdncnn", "drunet"])
@pytest.mark.parametrize("sigma", [0.1, torch.tensor([0.1, 0.4], dtype=torch.float64)])
def test_a_noise_map_is_divided_by_the_deviation_of_each_pixel(architecture, sigma):
    network, y = local(architecture, noise_map=True), image(2, 1, 11, 13)
    found = network(3 * y - 7, 3 * sigma)
    torch.testing.assert_close(found, 3 * network(y, sigma) - 7, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(network(y, sigma), network(y, 2 * sigma))


def test_constants_come_back_and_have_gradients():
    for network in (local(), build_network("fdncnn", "wrapped", **SMALL["fdncnn"]).double()):
        y = torch.full((1, 1, 16, 16), 0.5, dtype=torch.float64, requires_grad=True)
        torch.testing.assert_close(network(y), y)
        (gradient,) = torch.autograd.grad(network(y).sum(), y)
        assert gradient.isfinite().all() and gradient.sum().item() == pytest.approx(256)
    y = image(1, 1, 30, 30)
    y[..., :15] = 0.25  # flat here, textured there
    (gradient,) = torch.autograd.grad(local()(y.requires_grad_()).sum(), y)
    assert gradient.isfinite().all()


def test_gradients():
    y = image(1, 1, 6, 7).requires_grad_()
    assert torch.autograd.gradcheck(local(box=3), (y,), check_forward_ad=True)


def test_tiles_with_a_margin_of_its_reach_are_exact():
    box, depth = 7, 4
    network, y = local(box=box), image(1, 1, 60, 60)
    margin = depth + box - 1
    tile = network(y[..., 30 - margin :, :])[..., margin:, :]
    torch.testing.assert_close(tile, network(y)[..., 30:, :], rtol=1e-12, atol=1e-12)
    whole = build_network("fdncnn", "wrapped", **SMALL["fdncnn"]).double()
    assert (whole(y[..., 30 - margin :, :])[..., margin:, :] - whole(y)[..., 30:, :]).abs().max() > 1e-6


def test_folded_and_in_colour():
    network, y = local(image_channels=3), image(2, 3, 9, 9)
    torch.testing.assert_close(fold(network)(y), network(y).detach())
    assert defect(network, y, 40.0, 10.0).relative < 1e-12


def test_global_is_the_default_and_boxes_do_not_touch_it():
    y = image(2, 1, 9, 9)
    inner = build_network("fdncnn", "ordinary", **SMALL["fdncnn"]).double()
    mean, std = y.mean(dim=(1, 2, 3), keepdim=True), y.std(dim=(1, 2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(NormalizationWrapper(inner, box=5)(y), std * inner((y - mean) / std) + mean)


@pytest.mark.parametrize("variant", ["norm", "wrapped"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"statistics": "regional"}, "unknown statistics 'regional': choose global or local"),
        ({"statistics": "local", "box": 48}, "box must be an odd number of pixels, at least 3, not 48"),
        ({"box": 1}, "at least 3, not 1"),
    ],
)
def test_unknown_settings(variant, options, words):
    with pytest.raises(NormeqError, match=words):
        build_network("fdncnn", variant, **options)


class Sees(torch.nn.Module):
    """A network of a user's own that is told nothing."""

    image_channels = 3

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return self.conv(x).relu() - 0.1


@pytest.mark.parametrize("statistics", ["global", "local"])
def test_any_module_can_be_wrapped(statistics):
    torch.manual_seed(0)
    inside = Sees().double().eval()
    wrapped = normeq.wrap(inside, statistics, box=5)
    y = image(2, 3, 6, 7)
    assert defect(inside, y, 40.0, 10.0).relative > 0.1
    assert defect(wrapped, y, 40.0, 10.0).relative < 1e-13
    assert wrapped.network is inside and wrapped.normalization_equivariant
    torch.testing.assert_close(wrapped(y, 0.1), wrapped(y))  # a level that nobody asks for
    clean = normeq.denoise(y[0].numpy() * 1000, wrapped, channel_axis=0)
    np.testing.assert_allclose(clean, 1000 * normeq.denoise(y[0].numpy(), wrapped, channel_axis=0))


class Told(torch.nn.Module):
    """A network of a user's own that is told the noise level."""

    def forward(self, x, sigma):
        self.level = sigma
        return x


def test_wrapping_keeps_the_mode_and_tells_the_level():
    assert normeq.wrap(torch.nn.Identity()).training and not normeq.wrap(torch.nn.Identity().eval()).training
    wrapped = normeq.wrap(Told().eval())
    y = image(2, 1, 4, 4) * 8
    torch.testing.assert_close(wrapped(y, 0.5), y)
    torch.testing.assert_close(wrapped.network.level, 0.5 / y.std(dim=(1, 2, 3), correction=0))
    gray = y[0, 0].numpy()
    np.testing.assert_allclose(normeq.denoise(gray, wrapped, sigma=0.5), gray, rtol=1e-6)


class Uses(torch.nn.Module):
    """A network of a user's own that makes something of the noise level."""

    def forward(self, x, sigma):
        return x.tanh() * (1 - sigma.reshape(-1, 1, 1, 1) if sigma.ndim == 1 else 1 - sigma)


@pytest.mark.parametrize("make", [Uses, lambda: small("fdncnn", "ordinary", noise_map=True)])
@pytest.mark.parametrize(
    "sigma",
    [
        [0.1, 0.4, 0.2, 0.3],
        torch.tensor([0.1, 0.4, 0.2, 0.3]),
        torch.rand(4, 1, 1, 1),
        torch.rand(4, 1, 8, 4),
        torch.rand(1, 1, 8, 4).expand(4, 1, 8, 4),
    ],
)
@pytest.mark.parametrize("statistics", ["global", "local"])
def test_levels_of_every_shape_belong_to_their_image(make, sigma, statistics):
    """As many images as columns: what is one number an image may not be taken for one a column."""
    wrapped, y = normeq.wrap(make().double().eval(), statistics, box=5), image(4, 1, 8, 4)
    level = torch.as_tensor(sigma, dtype=torch.float64)
    found = wrapped(y, sigma if isinstance(sigma, list) else level)
    expected = torch.cat([wrapped(one[None], part[None]) for one, part in zip(y, level, strict=True)])
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(wrapped(3 * y - 7, 3 * level), 3 * found - 7, rtol=1e-9, atol=1e-9)


def test_frozen_parts_stay_frozen():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3), torch.nn.BatchNorm2d(1)).train()
    network[1].eval()
    assert normeq.wrap(network).training and network.training and not network[1].training


def test_what_cannot_be_wrapped():
    with pytest.raises(NormeqError, match="takes a torch.nn.Module, not a str"):
        normeq.wrap("fdncnn")
    with pytest.raises(NormeqError, match="unknown statistics 'patch'"):
        normeq.wrap(Sees(), "patch")
    with pytest.raises(NormeqError, match="odd number of pixels"):
        normeq.wrap(Sees(), "local", box=4)
