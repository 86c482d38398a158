"""The variant ``invariant``: y - g(y), where g cannot see a shift."""

import pytest
import torch
from torch import nn

from normeq.equivariance.defect import defect
from normeq.errors import NormeqError
from normeq.nn import AffineConv2d, ZeroSumConv2d, build_network, fold, zero_sum_kernel
from normeq.nn.weights import load_network, save_network

SMALL = {
    "fdncnn": {"depth": 4, "channels": 8},
    "drunet": {"widths": (4, 6, 8, 8), "blocks": 1},
    "dncnn": {"depth": 4, "channels": 8},
}
SIZES = [(17, 22), (8, 9), (1, 1), (1, 9), (12, 1)]


def lively(architecture, variant="invariant", **options):
    """A network whose g is as large as the image, with statistics and gains of a trained one."""
    torch.manual_seed(1)
    network = build_network(architecture, variant, **SMALL[architecture], **options).double()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)
        if hasattr(module, "running_var"):
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
    return network.eval()


def image(size, channels=1):
    return torch.rand(2, channels, *size, generator=torch.Generator().manual_seed(2)).double()


@pytest.mark.parametrize("architecture", SMALL)
@pytest.mark.parametrize("size", SIZES)
def test_it_is_equivariant_at_any_size_and_does_something(architecture, size):
    network, y = lively(architecture), image(size)
    for scale, shift in ((1e-3, -100.0), (40.0, 0.0), (1.0, 10.0), (1e3, 10.0)):
        assert defect(network, y, scale, shift).normalised < 1e-8
    if size != (1, 1):  # a lone pixel has no neighbour to differ from
        assert (network(y) - y).abs().mean() > 0.01
    torch.testing.assert_close(fold(network)(y), network(y).detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("architecture", ["fdncnn", "drunet"])
def test_a_noise_map_scales_and_does_not_shift(architecture):
    network, y = lively(architecture, noise_map=True), image((9, 11))
    assert defect(network, y, 40.0, 7.0, sigma=0.1).relative < 1e-12
    assert (network(y, 0.1) - network(y, 0.3)).abs().max() > 0.01
    several = network(y, torch.tensor([0.1, 0.3]))
    torch.testing.assert_close(several[1:], network(y[1:], 0.3))


@pytest.mark.parametrize("architecture", SMALL)
def test_each_colour_may_be_shifted_by_its_own_amount(architecture):
    network, y = lively(architecture, image_channels=3), image((10, 12), 3)
    shifts = torch.tensor([3.0, -7.0, 0.5], dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(network(2 * y + shifts), 2 * network(y) + shifts, rtol=1e-11, atol=1e-11)


def test_kernels_sum_to_zero_but_for_the_noise_map():
    weight = torch.randn(5, 4, 3, 3, dtype=torch.float64)
    kernel = zero_sum_kernel(weight, free_channels=1)
    assert kernel[:, :3].sum(dim=(2, 3)).abs().max() < 1e-14
    assert torch.equal(kernel[:, 3], weight[:, 3])
    torch.testing.assert_close(zero_sum_kernel(kernel, 1), kernel)  # a projection


@pytest.mark.parametrize("architecture", SMALL)
def test_only_the_first_layer_is_constrained(architecture):
    network = build_network(architecture, "invariant", **SMALL[architecture])
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert [isinstance(layer, ZeroSumConv2d) for layer in layers] == [True] + [False] * (len(layers) - 1)
    assert not any(isinstance(layer, AffineConv2d) for layer in layers)
    assert all(layer.bias is None for layer in layers)


def test_gradients():
    layer = ZeroSumConv2d(2, 3, 3, padding=1, free_channels=1).double()
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)

    def through(x, weight):
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    assert torch.autograd.gradcheck(through, (x, layer.weight))
    network = lively("fdncnn")
    y = image((4, 5))[:1].requires_grad_()
    assert torch.autograd.gradcheck(network, (y,))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_the_kernels_once(dtype):
    layer = ZeroSumConv2d(1, 64, 3, padding=1).to(dtype)
    assert torch.equal(layer.applied_kernel, zero_sum_kernel(layer.weight.float()).to(dtype))
    network = lively("fdncnn").to(dtype)
    y = image((16, 16)).to(dtype)
    torch.testing.assert_close(network(2 * y), 2 * network(y), rtol=0, atol=0)  # a power of two is exact
    moved = (network(y + 1) - network(y)).double() - 1
    assert moved.abs().mean() < 8 * torch.finfo(dtype).eps


@pytest.mark.parametrize("architecture", SMALL)
def test_it_compiles_in_one_graph(architecture):
    network, y = lively(architecture), image((9, 12))
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(y), network(y))


@pytest.mark.parametrize("architecture", SMALL)
def test_weights_go_to_disk_and_back(architecture, tmp_path):
    network = lively(architecture).float()
    description = {
        "network": {"name": "n", "architecture": architecture, **SMALL[architecture]},
        "variant": "invariant",
    }
    save_network(tmp_path / "model.safetensors", network, description)
    loaded, _ = load_network(tmp_path / "model.safetensors")
    y = image((9, 9)).float()
    assert torch.equal(loaded(y), network(y))


@pytest.mark.parametrize("variant", ["ordinary", "scale", "wrapped"])
def test_a_residual_fdncnn_gives_y_minus_g(variant):
    torch.manual_seed(0)
    plain = build_network("fdncnn", variant, depth=4, channels=8).double()
    residual = build_network("fdncnn", variant, depth=4, channels=8, residual=True).double()
    residual.load_state_dict(plain.state_dict())
    y = image((9, 9))
    # Inside the wrapper the difference is taken of the normalised image, whose mean is added once.
    added = y.mean(dim=(1, 2, 3), keepdim=True) if variant == "wrapped" else 0
    torch.testing.assert_close(residual(y), y - plain(y) + added)
    torch.testing.assert_close(fold(residual.eval())(y), residual(y).detach())


@pytest.mark.parametrize(
    ("architecture", "variant", "words"),
    [
        ("fdncnn", "norm", "residual is not for the variant 'norm'"),
        ("fdncnn", "invariant", "residual is not for the variant 'invariant'"),
        ("drunet", "scale", "unknown option 'residual' for drunet"),
        ("dncnn", "scale", "unknown option 'residual' for dncnn"),
    ],
)
def test_residual_is_refused_where_it_means_nothing(architecture, variant, words):
    with pytest.raises(NormeqError, match=words):
        build_network(architecture, variant, residual=True)
