"""Whole networks: parameter counts, equivariance, odd sizes, wrong input."""

import pytest
import torch

from normeq.equivariance.defect import defect
from normeq.errors import NormeqError
from normeq.nn import VARIANTS, build_network, count_parameters
from normeq.nn.build import ARCHITECTURES
from normeq.nn.variants import get_variant

# literature notes 1.4 and 2.4, counted there from the authors' code
COUNTS = [
    ("fdncnn", "ordinary", False, 665_920),
    ("fdncnn", "scale", False, 664_704),
    ("fdncnn", "norm", False, 664_704),
    ("fdncnn", "ordinary", True, 666_496),
    ("fdncnn", "scale", True, 665_280),
    ("fdncnn", "norm", True, 665_280),
    ("fdncnn", "invariant", False, 664_704),
    ("fdncnn", "invariant", True, 665_280),
    ("drunet", "invariant", False, 32_638_080),
    ("drunet", "ordinary", False, 32_650_753),
    ("drunet", "scale", False, 32_638_080),
    ("drunet", "norm", False, 32_638_112),
    ("drunet", "ordinary", True, 32_651_329),
    ("drunet", "scale", True, 32_638_656),
    ("drunet", "norm", True, 32_638_688),
]
SMALL = {
    "fdncnn": {"depth": 6, "channels": 8},
    "drunet": {"widths": (4, 8, 8, 16), "blocks": 1},
    "dncnn": {"depth": 5, "channels": 8},
    "ffdnet": {"depth": 4, "channels": 8, "noise_map": False},
    "plain": {"depth": 5, "channels": 8, "batch_norm": True},
}
# Norm and invariant are no variants of networks that others trained without them.
IMPOSSIBLE = {("dncnn", "norm"), ("plain", "norm"), ("plain", "invariant"), ("ffdnet", "invariant")}
EQUIVARIANT = [(a, v) for a in SMALL for v in ("norm", "wrapped", "invariant") if (a, v) not in IMPOSSIBLE]
LAMBDAS = (1e-3, 0.1, 1.0, 40.0, 1e3)
MUS = (-100.0, 0.0, 10.0)


def small(architecture, variant, **options):
    torch.manual_seed(1)
    return build_network(architecture, variant, **SMALL[architecture], **options).eval()


def image(dtype=torch.float64, size=(21, 33)):
    return torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(2)).to(dtype)


@pytest.mark.parametrize(("architecture", "variant", "noise_map", "count"), COUNTS)
def test_parameter_counts(architecture, variant, noise_map, count):
    with torch.device("meta"):
        assert count_parameters(build_network(architecture, variant, noise_map=noise_map)) == count


def test_dncnn_parameter_count():
    assert count_parameters(build_network("dncnn", "ordinary")) == 668_225


@pytest.mark.parametrize(("architecture", "variant"), EQUIVARIANT)
@pytest.mark.parametrize("scale", LAMBDAS)
@pytest.mark.parametrize("shift", MUS)
def test_normalization_equivariance_in_float64(architecture, variant, scale, shift):
    found = defect(small(architecture, variant).double(), image(), scale, shift)
    assert found.relative < 1e-9
    assert found.normalised < 1e-8


@pytest.mark.parametrize("variant", ["norm", "wrapped", "invariant"])
@pytest.mark.parametrize("scale", LAMBDAS)
def test_normalization_equivariance_of_the_full_network_in_float32(variant, scale):
    torch.manual_seed(1)
    network = build_network("fdncnn", variant).eval()
    assert defect(network, image(torch.float32, (24, 24)), scale, shift=10 * scale).relative < 1e-3


@pytest.mark.parametrize("architecture", ["fdncnn", "drunet"])
@pytest.mark.parametrize("variant", ["norm", "wrapped", "invariant"])
@pytest.mark.parametrize("scale", LAMBDAS)
def test_noise_map_scales_and_does_not_shift(architecture, variant, scale):
    network = small(architecture, variant, noise_map=True).double()
    y = image()
    assert defect(network, y, scale, 7.0, sigma=0.1).relative < 1e-9
    assert not torch.allclose(network(y, 0.1), network(y, 0.3))


@pytest.mark.parametrize("architecture", SMALL)
def test_scale_variant_is_equivariant_to_scale_only(architecture):
    network = small(architecture, "scale").double()
    assert defect(network, image(), 40.0).relative < 1e-9
    assert defect(network, image(), 1.0, 10.0).relative > 1e-3


@pytest.mark.parametrize("architecture", SMALL)
def test_ordinary_variant_is_not_equivariant(architecture):
    network = small(architecture, "ordinary").double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.add_(0.1)
    assert defect(network, image(), 40.0).relative > 1e-3
    assert defect(network, image(), 1.0, 10.0).relative > 1e-3


@pytest.mark.parametrize("constraint", ["telescope", "mean"])
def test_both_parameterisations_are_equivariant(constraint):
    network = small("fdncnn", "norm", constraint=constraint).double()
    assert defect(network, image(), 40.0, 10.0).relative < 1e-12


@pytest.mark.parametrize(("architecture", "variant"), EQUIVARIANT + [("fdncnn", "scale"), ("dncnn", "scale")])
def test_linearisation(architecture, variant):
    """f(y) = J(y) y where f is equivariant to scale; J(y) 1 = 1 where it is to shifts too (autograd against
    the plain call)."""
    network = small(architecture, variant).double()
    y = image()[:1]
    value, along_y = torch.func.jvp(network, (y,), (y,))
    torch.testing.assert_close(along_y, value, rtol=1e-8, atol=1e-10)
    if variant != "scale":
        ones = torch.ones_like(y)
        torch.testing.assert_close(torch.func.jvp(network, (y,), (ones,))[1], ones)


@pytest.mark.parametrize("constant", [0.0, 0.5, -3.0])
@pytest.mark.parametrize(("architecture", "variant"), EQUIVARIANT)
def test_constant_images_are_fixed_points(architecture, variant, constant):
    y = torch.full((1, 1, 16, 16), constant, dtype=torch.float64)
    torch.testing.assert_close(small(architecture, variant).double()(y), y)


def test_wrapper_keeps_images_of_a_batch_apart():
    network = small("fdncnn", "wrapped").double()
    y = image()
    y[1] = 100 * y[1] + 3
    torch.testing.assert_close(network(y)[:1], network(y[:1]))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (8, 8), (17, 40)])
def test_drunet_takes_any_size(variant, size):
    assert small("drunet", variant).double()(image(size=size)).shape == (2, 1, *size)


def test_colour():
    network = small("fdncnn", "norm", image_channels=3).double()
    y = torch.rand(1, 3, 12, 12, dtype=torch.float64)
    assert defect(network, y, 40.0, 10.0).relative < 1e-12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("unet", "norm"), "unknown architecture 'unet': choose one of fdncnn, drunet, dncnn"),
        (("fdncnn", "affine"), f"unknown variant 'affine': choose one of {', '.join(VARIANTS)}"),
        (("dncnn", "norm"), "no 'norm' variant"),
    ],
)
def test_unknown_names(arguments, message):
    with pytest.raises(NormeqError, match=message):
        build_network(*arguments)


def test_unknown_option():
    with pytest.raises(NormeqError, match="unknown option 'width' for fdncnn: choose from depth"):
        build_network("fdncnn", "norm", width=3)


@pytest.mark.parametrize("architecture", [name for name in SMALL if name != "drunet"])
def test_depth_is_the_number_of_convolutions(architecture):
    for depth in (2, 3):
        network = build_network(architecture, "ordinary", depth=depth, channels=4)
        assert sum(isinstance(layer, torch.nn.Conv2d) for layer in network.modules()) == depth
    for depth in (1, 0, -3):
        with pytest.raises(NormeqError, match=f"depth must be at least 2 .*, got {depth}"):
            build_network(architecture, "ordinary", depth=depth)
        with pytest.raises(NormeqError, match="depth must be at least 2"):  # without build_network too
            ARCHITECTURES[architecture](get_variant("ordinary"), depth=depth)


def test_odd_channels():
    with pytest.raises(NormeqError, match="channels must be even"):
        build_network("fdncnn", "norm", channels=7)


@pytest.mark.parametrize("widths", [[2, 3], (3, 5), [4, 5], [3]])
def test_odd_widths(widths):
    with pytest.raises(NormeqError, match="widths must be even .they are sorted in pairs., got") as refused:
        build_network("drunet", "norm", widths=widths)
    assert str(refused.value).endswith(str(widths))
    for variant in ("ordinary", "scale", "wrapped", "invariant"):  # these sort nothing
        build_network("drunet", variant, widths=widths, blocks=1)(torch.rand(1, 1, 8, 8)).sum().backward()


@pytest.mark.parametrize(("sigma", "message"), [(None, "give sigma"), (-0.1, "negative")])
def test_noise_map_needs_a_noise_level(sigma, message):
    with pytest.raises(NormeqError, match=message):
        small("fdncnn", "ordinary", noise_map=True).double()(image(), sigma)
