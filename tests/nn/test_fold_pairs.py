"""Fold makes one of two layers where their sequence is called as a whole, and there alone."""

import pytest
import torch
from torch import nn

from normeq.nn import (
    AffineConv2d,
    BiasFreeBatchNorm2d,
    build_network,
    fold,
    wrap,
)
from normeq.nn.folding import FoldedSortPool
from normeq.nn.rotation import RotatedSortPool
from tests.nn.folding import CASES, Calls, alive, conv, network


class CallsInside(Calls):
    """The same, of a sequence that is not its own."""

    def __init__(self, how, *layers):
        super().__init__(how)
        self.inside = build_network("dncnn", "ordinary", depth=3, channels=2, image_channels=2)
        self.inside.layers = nn.Sequential(*layers)

    def forward(self, x, more=None):
        return self.inside(x) + self.how(self.inside.layers, x, more)


SINGLY = {
    "parts": lambda layers, x, more: layers[1](layers[0](x)) + layers[0](x),
    "loop": lambda layers, x, more: sum(layer(x) for layer in layers),
    "slice": lambda layers, x, more: layers(x) + layers[:1](x),
    "weight": lambda layers, x, more: layers(x) * layers[0].weight.mean(),
    "statistics": lambda layers, x, more: layers(x) * getattr(layers[1], "running_var", torch.ones(2)).mean(),
    "left out": lambda layers, x, more: layers(x) if more is not None else layers[0](x),
    "values": lambda layers, x, more: layers[0](x) if x.mean() < 9 else layers(x),
}


@pytest.mark.parametrize("how", SINGLY)
@pytest.mark.parametrize("calls", [Calls, CallsInside])
@pytest.mark.parametrize("norm", [nn.BatchNorm2d, BiasFreeBatchNorm2d])
def test_parts_that_are_used_singly_keep_their_meaning(how, calls, norm):
    torch.manual_seed(0)
    net = alive(calls(SINGLY[how], conv(), norm(2)).double())
    y = torch.randn(2, 2, 9, 8, dtype=torch.float64)
    folded = fold(net)
    assert folded.calls == net.calls == 0
    torch.testing.assert_close(folded(y), net(y).detach(), rtol=1e-10, atol=1e-10)


def test_sorted_parts_that_are_used_singly_keep_their_meaning():
    torch.manual_seed(0)

    def how(layers, x, more):
        return layers[2](layers[1](layers[0](x))) + layers[0](x)

    first = AffineConv2d(2, 2, 3, padding=1, sorted_output=True)
    last = AffineConv2d(2, 2, 3, padding=1, sorted_input=True)
    net = Calls(how, first, RotatedSortPool(), last).double().eval()
    y = torch.randn(2, 2, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(fold(net)(y), net(y).detach(), rtol=1e-10, atol=1e-10)


class Given(Calls):
    """Its ``forward`` is one of its own."""

    def __init__(self, *layers):
        super().__init__(None, *layers)
        self.forward = lambda x: self.layers[0](x)


def test_a_given_forward_may_use_parts_singly():
    net = alive(Given(conv(), nn.BatchNorm2d(2)).double())
    assert isinstance(fold(net).layers[1], nn.BatchNorm2d)


@pytest.mark.parametrize("depth", range(3))
def test_a_sequence_that_is_called_as_a_whole_makes_pairs(depth):
    net = nn.Sequential(
        conv(), nn.BatchNorm2d(2), AffineConv2d(2, 2, 3, padding=1, sorted_output=True), RotatedSortPool(),
        AffineConv2d(2, 2, 3, padding=1, sorted_input=True),
    )  # fmt: skip
    for _ in range(depth):
        net = Calls(lambda layers, x, more: layers(x) if more is None else layers(x) + more, net, nn.ReLU())
    folded = fold(alive(net.double()))
    kinds = {type(module) for module in folded.modules()}
    assert FoldedSortPool in kinds and nn.BatchNorm2d not in kinds
    y = torch.randn(2, 2, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(folded(y), net(y).detach(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("architecture", "variant"), CASES)
def test_networks_of_the_library_make_all_pairs(architecture, variant):
    folded = fold(wrap(network(architecture, variant)))
    kinds = {type(module) for module in folded.modules()}
    assert kinds.isdisjoint({nn.BatchNorm2d, BiasFreeBatchNorm2d, RotatedSortPool})
