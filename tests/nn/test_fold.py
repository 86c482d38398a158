"""Folded networks: the same function, without gradients and without constraints to work out."""

import copy

import pytest
import torch
import torch.nn.utils.prune
from torch import nn

from normeq.nn import (
    AffineConv2d,
    AffineConvTranspose2d,
    AffineLinear,
    BiasFreeBatchNorm2d,
    FoldedForInference,
    fold,
)
from normeq.nn.folding import Folded, FoldedSortPool
from normeq.nn.rotation import RotatedSortPool
from tests.nn.folding import CASES, Calls, alive, conv, network


@pytest.mark.parametrize(("architecture", "variant"), CASES)
@pytest.mark.parametrize("size", [(17, 22), (8, 9)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_same_function(architecture, variant, size, layout):
    net = network(architecture, variant)
    y = torch.randn(2, 1, *size, dtype=torch.float64).contiguous(memory_format=layout)
    before = y.clone()
    found = fold(net)(y)
    assert torch.equal(y, before)  # layers that work in place leave the input alone
    assert not found.requires_grad
    torch.testing.assert_close(found, net(y).detach(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("architecture", ["fdncnn", "drunet"])
def test_noise_map(architecture):
    net = network(architecture, "norm", noise_map=True)
    y = torch.randn(1, 1, 12, 13, dtype=torch.float64)
    torch.testing.assert_close(fold(net)(y, 0.3), net(y, 0.3).detach(), rtol=1e-10, atol=1e-10)


def test_network_itself_is_not_changed():
    net = network("dncnn", "ordinary")
    y = torch.randn(1, 1, 12, 13, dtype=torch.float64)
    state, output = {k: v.clone() for k, v in net.state_dict().items()}, net(y)
    fold(net)
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())
    assert torch.equal(net(y), output)


def test_nothing_is_worked_out_at_run_time():
    folded = fold(network("drunet", "norm"))
    assert not any(isinstance(module, AffineConv2d) for module in folded.modules())
    assert not any(parameter.requires_grad for parameter in folded.parameters())


def test_folded_network_stays_equivariant_in_any_dtype():
    folded = fold(network("fdncnn", "norm")).to(torch.bfloat16)
    y = torch.rand(1, 1, 16, 16, dtype=torch.bfloat16)
    torch.testing.assert_close(folded(2 * y), 2 * folded(y), rtol=0, atol=0)  # a power of two is exact


class Backwards(nn.Sequential):
    def forward(self, x):
        for layer in reversed(self):
            x = layer(x)
        return x


class Standardised(nn.Conv2d):
    """Its kernels have a deviation of 1 whatever its weights are."""

    def forward(self, x):
        return self._conv_forward(x, self.weight / self.weight.std(), self.bias)


class StandardisedInside(nn.Conv2d):
    """The same, where :class:`torch.nn.Conv2d` does the work."""

    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight / weight.std(), bias)


class Louder(AffineConv2d):
    """What it computes is its own."""

    def compute(self, x, kernel):
        return 3 * super().compute(x, kernel)


def given_inside():
    layer = conv()
    standardised = layer._conv_forward
    layer._conv_forward = lambda x, weight, bias: standardised(x, weight / weight.std(), bias)
    return layer


class Holds(nn.Module):
    """A convolution called beside the sequence that it stands in; a place that is empty."""

    def __init__(self, conv, *behind):
        super().__init__()
        self.conv, self.same, self.chain = conv, conv, nn.Sequential(conv, *behind)
        self.register_module("nothing", None)

    def forward(self, x):
        return self.chain(x) - self.conv(self.same(x))


def shared_activation():
    act = nn.ReLU()
    return nn.Sequential(conv(), act, conv(), act, nn.BatchNorm2d(2), conv())


def shared_convolution(norm):
    one = conv()
    return nn.Sequential(one, norm(2), one, nn.ReLU(), one, norm(2), conv(), one)


def tied_weights():
    one, other = conv(), conv()
    other.weight = one.weight
    return nn.Sequential(one, BiasFreeBatchNorm2d(2), other)


def shared_block():
    norm = nn.BatchNorm2d(2)
    block = nn.Sequential(conv(), norm, nn.ReLU())
    return nn.Sequential(block, conv(), norm, block, block)


def affine():
    first, pool = AffineConv2d(2, 2, 3, padding=1, sorted_output=True), RotatedSortPool()
    last = AffineConv2d(2, 2, 3, padding=1, sorted_input=True)
    return nn.Sequential(first, pool, last, first, pool, last, AffineConv2d(2, 2, 3, padding=1))


@pytest.mark.parametrize(
    "make",
    [
        shared_activation,
        lambda: shared_convolution(nn.BatchNorm2d),
        lambda: shared_convolution(BiasFreeBatchNorm2d),
        tied_weights,
        shared_block,
        affine,
        lambda: Holds(conv(), nn.BatchNorm2d(2)),
        lambda: Holds(conv(), BiasFreeBatchNorm2d(2)),
        lambda: Holds(AffineConv2d(2, 2, 3, padding=1)),
        lambda: Backwards(conv(), nn.BatchNorm2d(2)),
        lambda: nn.Sequential(Standardised(2, 2, 3, padding=1), nn.BatchNorm2d(2)),
        lambda: nn.Sequential(StandardisedInside(2, 2, 3, padding=1), nn.BatchNorm2d(2)),
        lambda: nn.Sequential(StandardisedInside(2, 2, 3, padding=1), BiasFreeBatchNorm2d(2)),
        lambda: nn.Sequential(given_inside(), nn.BatchNorm2d(2)),
        lambda: nn.Sequential(
            Louder(2, 2, 3, padding=1, sorted_output=True),
            RotatedSortPool(),
            Louder(2, 2, 3, padding=1, sorted_input=True),
        ),
        lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(conv()), nn.BatchNorm2d(2)),
        lambda: nn.Sequential(conv(), nn.BatchNorm2d(2, track_running_stats=False)),
    ],
)
def test_layers_are_folded_at_each_of_their_places(make):
    torch.manual_seed(0)
    net = alive(make().double())
    y = torch.randn(2, 2, 9, 8, dtype=torch.float64)
    expected = net(y).detach()
    torch.testing.assert_close(fold(net)(y), expected, rtol=1e-10, atol=1e-10)
    assert torch.equal(net(y), expected)


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("change", ["hook", "pre-hook", "forward"])
def test_what_hooks_change_is_kept(number, change):
    torch.manual_seed(0)
    convs = AffineConv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
    net = nn.Sequential(
        AffineConv2d(2, 4, 3, padding=1, sorted_output=True), RotatedSortPool(),
        AffineConv2d(4, 2, 3, padding=1, sorted_input=True), *convs, nn.BatchNorm2d(2), AffineLinear(8, 8),
    ).double()  # fmt: skip
    layer = alive(net)[number]
    if change == "hook":
        layer.register_forward_hook(lambda module, given, output: output + 1)
    elif change == "pre-hook":
        layer.register_forward_pre_hook(lambda module, given: 2 * given[0])
    else:
        layer.forward = lambda x, own=layer.forward: 3 * own(x)
    for whole in (net, layer):
        y = torch.randn(1, 4 if whole is layer and number in (1, 2) else 2, 8, 8, dtype=torch.float64)
        expected = whole(y).detach()
        torch.testing.assert_close(fold(whole)(y), expected, rtol=1e-10, atol=1e-10)


def test_shared_layers_are_folded_all_and_once():
    folded = fold(alive(affine()))
    assert not any(isinstance(module, AffineConv2d | RotatedSortPool) for module in folded.modules())
    assert folded[2] is folded[5] and isinstance(folded[2], Folded) and isinstance(folded[4], FoldedSortPool)
    chain = fold(alive(shared_convolution(nn.BatchNorm2d)))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in chain)


NORMED = {
    "weight norm": nn.utils.parametrizations.weight_norm,
    "spectral norm": nn.utils.parametrizations.spectral_norm,
    "orthogonal": nn.utils.parametrizations.orthogonal,
    "weight norm as a hook": nn.utils.weight_norm,
    "spectral norm as a hook": nn.utils.spectral_norm,
    "pruned": lambda layer: nn.utils.prune.random_unstructured(layer, "weight", 0.5),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("change", NORMED)
@pytest.mark.parametrize(
    "make", [conv, lambda: AffineConv2d(2, 2, 3, padding=1), lambda: AffineConvTranspose2d(2, 2, 2, stride=2)]
)
def test_weights_that_are_worked_out(change, make):
    """Layers whose weights are made at each call from others, by a parametrization or by a hook."""
    torch.manual_seed(0)
    net = alive(nn.Sequential(NORMED[change](make()), nn.BatchNorm2d(2), conv()).double())
    y = torch.randn(2, 2, 9, 8, dtype=torch.float64)
    expected = net(y).detach()  # and there is a result with a gradient in hooked layers
    folded = fold(net)
    for found in (folded, copy.deepcopy(folded), fold(folded)):
        torch.testing.assert_close(found(y), expected, rtol=1e-10, atol=1e-10)
        assert not isinstance(found[0], AffineConv2d) or "hook" in change or change == "pruned"
    both = FoldedForInference(Calls(lambda layers, x, more: layers(x), *net).eval())
    with torch.no_grad():
        torch.testing.assert_close(both(y), expected, rtol=1e-10, atol=1e-10)
    assert torch.equal(net(y), expected)


def test_sorted_layers_with_a_weight_norm():
    torch.manual_seed(0)
    first, pool = AffineConv2d(2, 2, 3, padding=1, sorted_output=True), RotatedSortPool()
    last = AffineConv2d(2, 2, 3, padding=1, sorted_input=True)
    net = nn.Sequential(nn.utils.parametrizations.weight_norm(first), pool, last).double().eval()
    y = torch.randn(2, 2, 9, 8, dtype=torch.float64)
    folded = copy.deepcopy(fold(net))
    assert isinstance(folded[1], FoldedSortPool)
    torch.testing.assert_close(folded(y), net(y).detach(), rtol=1e-10, atol=1e-10)


def test_other_results_with_a_gradient_are_refused():
    net = nn.Sequential(conv()).eval()
    net.features = [net(torch.rand(1, 2, 8, 8))]
    with pytest.raises(ValueError, match=r"detach\(\)"):
        fold(net)


def test_options_by_their_names():
    class Up(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = AffineConvTranspose2d(2, 2, 3, stride=2, padding=1)

        def forward(self, x):
            return self.up(x, output_size=[16, 16]) - self.up(x, [16, 16]) / 2

    net = Up().double().eval()
    y = torch.randn(1, 2, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(fold(net)(y), net(y).detach(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, BiasFreeBatchNorm2d])
def test_parts_in_training_mode_are_refused(norm):
    net = nn.Sequential(conv(), nn.Sequential(conv(), norm(2))).eval()
    net[1][1].train()
    with pytest.raises(ValueError, match=rf"its part 1\.1 \({norm.__name__}\) is in training mode"):
        fold(net)


def test_training_mode_is_refused():
    with pytest.raises(ValueError, match="evaluation mode"):
        fold(network("fdncnn", "norm").train())
