"""The reach that is read off the layers is that of the numbers."""

import pytest
import torch
from torch import nn

from normeq.nn import (
    AffineConv2d,
    AffineConvTranspose2d,
    BiasFreeBatchNorm2d,
    NormalizationWrapper,
    SortPool,
    ZeroSumConv2d,
)
from normeq.nn.plain import PlainCNN
from normeq.nn.reach import Reach, reach
from normeq.nn.rotation import RotatedSortPool
from normeq.nn.variants import get_variant
from tests.denoisers.networks import KINDS, small

LOCAL = [(architecture, variant) for architecture, variant in KINDS if variant != "wrapped"]


def support(network, first, last, size):
    """First and last row or column of the image that rows and columns ``first`` … ``last`` of the output
    depend on."""
    found = torch.zeros(size, size, dtype=torch.float64)
    for _ in range(8):  # a ReLU may be silent for one image
        x = torch.randn(1, 1, size, size, dtype=torch.float64, requires_grad=True)
        part = network(x)[..., first : last + 1, first : last + 1]
        found += torch.autograd.grad(part.mul(torch.randn_like(part)).sum(), x)[0][0, 0].abs()
    seen = torch.cat([found.amax(0).nonzero(), found.amax(1).nonzero()]).flatten()
    return int(seen.min()), int(seen.max())


@pytest.mark.parametrize(("architecture", "variant"), LOCAL)
def test_a_tile_depends_on_its_halo_and_on_no_less(architecture, variant):
    check(small(architecture, variant).double())


def test_local_statistics_reach_further():
    network = small("fdncnn", "wrapped", statistics="local", box=9).double()
    assert reach(network).halo == 4 + 8
    check(network)


def check(network):
    found = reach(network)
    first = 48 // found.multiple * found.multiple
    last = first + 2 * found.multiple - 1
    low, high = support(network, first, last, 104)
    assert first - found.halo <= low and high <= last + found.halo
    # Tiles begin on the grid, so the halo is rounded up to it.
    assert first - low > found.halo - found.multiple and high - last > found.halo - found.multiple


@pytest.mark.parametrize(
    ("architecture", "options", "expected"),
    [
        ("fdncnn", {"depth": 20, "channels": 64}, Reach(20, 1, 64)),
        ("drunet", {"widths": (64, 128, 256, 512), "blocks": 4}, Reach(192, 8, 192)),
        ("ffdnet", {"depth": 15, "channels": 64}, Reach(30, 2, 16)),
        ("plain", {"depth": 7, "channels": 64, "dilations": [1, 2, 3, 4, 3, 2, 1]}, Reach(16, 1, 64)),
    ],
)
def test_published_sizes(architecture, options, expected):
    assert reach(small(architecture, "ordinary", **options)) == expected


def test_the_wrapper_reaches_as_far_as_what_is_inside():
    network = small("drunet", "ordinary")
    assert reach(NormalizationWrapper(network)) == reach(network)


def conv(*arguments, **options):
    return nn.Conv2d(1, 1, *arguments, **options)


def up():
    return nn.ConvTranspose2d(1, 1, 2, stride=2)


class Own(nn.Module):
    def forward(self, y):
        return y


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (nn.Sequential(conv(5, padding=2), nn.PReLU(), conv(3, padding="same", dilation=2)), Reach(4, 1, 1)),
        (nn.Sequential(conv(2, stride=2), conv(3, padding=1), up()), Reach(2, 2, 1)),
        (nn.Sequential(conv(3, padding=1, padding_mode="circular")), None),
        (nn.Sequential(conv(3, stride=2, padding=1)), None),
        (nn.Sequential(conv(3, padding=1), nn.InstanceNorm2d(1)), None),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1)), None),
        (Own(), None),
    ],
)  # fmt: skip
def test_own_modules(network, expected):
    assert reach(network) == expected


def test_a_layer_counts_at_each_of_its_places():
    one, act = conv(3, padding=1), nn.ReLU()
    block = nn.Sequential(one, act)
    network = nn.Sequential(one, act, block, block).double().eval()
    assert reach(network).halo == 3
    low, high = support(network, 20, 20, 41)
    assert (low, high) == (17, 23)


def own(kind, *arguments, **options):
    """A layer of a class that begins with a mean over the whole image."""

    class Own(kind):
        def forward(self, x, *more):
            return super().forward(x - x.mean(), *more)

    return Own(*arguments, **options)


class Inside(nn.Conv2d):
    """A convolution that does so where :class:`torch.nn.Conv2d` does the work."""

    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x - x.mean(), weight, bias)


class Computes(AffineConv2d):
    """The same of ours."""

    def compute(self, x, kernel):
        return super().compute(x - x.mean(), kernel)


class Pads(AffineConv2d):
    """And where it is padded."""

    def pad(self, x):
        return super().pad(x - x.mean())


def said(module):
    module.forward = lambda x: x - x.mean()
    return module


@pytest.mark.parametrize(
    "layer",
    [
        own(nn.Sequential, conv(1)),
        own(nn.Conv2d, 2, 2, 3, padding=1),
        own(AffineConv2d, 2, 2, 3, padding=1),
        own(nn.ConvTranspose2d, 2, 2, 2, stride=2),
        own(nn.ReLU),
        own(nn.Identity),
        own(nn.BatchNorm2d, 2),
        own(nn.MaxPool2d, 2),
        own(nn.PixelUnshuffle, 2),
        own(PlainCNN, get_variant("ordinary"), depth=2),
        own(NormalizationWrapper, conv(1)),
        said(conv(1)),
        Inside(2, 2, 3, padding=1),
        Computes(2, 2, 3, padding=1),
        Pads(2, 2, 3, padding=1),
        nn.BatchNorm2d(2, track_running_stats=False),
        nn.SyncBatchNorm(2, track_running_stats=False),
        nn.InstanceNorm2d(2),
        nn.InstanceNorm2d(2, affine=True, track_running_stats=True),
        nn.GroupNorm(1, 2),
        nn.LayerNorm([2, 64, 64]),
        nn.LayerNorm(64),
        nn.RMSNorm(64),
        nn.Softmax(-1),
        nn.Softmax(-2),
        nn.AdaptiveAvgPool2d(8),
        nn.AdaptiveMaxPool2d(8),
        nn.FractionalMaxPool2d(2, 8),
        nn.Linear(64, 64),
        nn.MultiheadAttention(64, 1),
        nn.Upsample(size=64),
        nn.UpsamplingBilinear2d(size=64),
        nn.CircularPad2d(1),
        nn.Flatten(),
        SortPool(0),
        SortPool(1),
        RotatedSortPool(1),
        RotatedSortPool(padding_mode="circular"),
        AffineConv2d(2, 2, 3, padding=1, padding_mode="circular"),
    ],
    ids=lambda layer: str(layer).split("(")[0],
)
def test_what_sees_the_whole_image_has_no_reach(layer):
    assert reach(nn.Sequential(conv(3, padding=1), layer).eval()) is None and reach(layer) is None


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(1), BiasFreeBatchNorm2d(1)])
def test_statistics_of_the_image_at_hand_have_no_reach(norm):
    network = nn.Sequential(conv(3, padding=1), norm).eval()
    assert reach(network) == Reach(1, 1, 1)
    norm.train()
    assert reach(network) is None


def test_our_own_layers():
    layers = [ZeroSumConv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), SortPool(), nn.AvgPool2d(2)]
    layers += [AffineConv2d(4, 4, 5, padding=2), AffineConvTranspose2d(4, 4, 2, stride=2), nn.Identity()]
    assert reach(nn.Sequential(*layers).eval()) == Reach(6, 2, 4)


def test_own_modules_say_it():
    network = Own()
    network.halo, network.multiple = 7, 4
    assert reach(network) == Reach(8, 4, 1)
