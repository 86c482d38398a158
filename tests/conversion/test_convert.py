"""Twins of other people's networks: equivariant, of the same names and weights, or a list of all reasons."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import normeq
from normeq.errors import NormeqError
from normeq.nn import AffineConv2d, AffineConvTranspose2d, AffineLinear, AffineResidual, SortPool
from normeq.nn.residual import Sum
from tests.conversion.networks import UNet, each, follows, made


@each
@pytest.mark.parametrize("to", ["norm", "scale"])
def test_twins_are_equivariant(name, to):
    network, shape = made(name)
    before, state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    twin = normeq.convert(network, to)  # (tested here, so not by a shape)
    follows(twin, shape, shift=-7.0 if to == "norm" else 0.0)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    y = torch.rand(shape)
    assert twin(y).shape == network(y).shape and twin(y).dtype == torch.float32
    # Weights stay where they were, by their names.
    kept = {key: value for key, value in twin.state_dict().items() if key in before and "norm" not in key}
    assert all(torch.equal(value, before[key]) for key, value in kept.items())
    assert {key for key in before if key.endswith("weight") and before[key].ndim > 1} <= set(kept)
    assert not any(isinstance(part, nn.Conv2d) and part.bias is not None for part in twin.modules())
    assert twin.conversion.to == to and twin.conversion.changes and not twin.conversion.unseen


@each
def test_a_given_shape_is_tested(name):
    network, shape = made(name)
    for to in ("norm", "scale"):
        assert normeq.convert(network, to, shape).conversion.tested == (shape,)


def test_what_becomes_of_the_parts():
    network, shape = made("unet")
    twin = normeq.convert(network, shape=shape)
    assert isinstance(twin.head, AffineConv2d) and twin.head.padding_mode == "reflect"
    assert twin.tail.padding_mode == "replicate" and isinstance(twin.up, AffineConvTranspose2d)
    assert isinstance(twin.body[0].norm, nn.Identity) and isinstance(twin.body[0].act, SortPool)
    residuals = [part.a.item() for part in twin.modules() if isinstance(part, AffineResidual)]
    assert residuals == pytest.approx([0.8, 0.8, 0.5, 0.5, 0.5])  # x + 0.25·y begins at its shares
    text = str(twin.conversion)
    for line in (
        "body.1.first Conv2d → AffineConv2d",
        "gelu() → SortPool",
        "dropout() → left out",
        "x − y → a·x",
    ):
        assert line in text
    assert twin.image_channels == 3 and twin.normalization_equivariant
    torch.testing.assert_close(twin(torch.ones(1, 3, 9, 12), sigma=None), torch.ones(1, 3, 9, 12))
    scale = normeq.convert(network, "scale")
    assert "gelu() → relu()" in str(scale.conversion) and not hasattr(scale, "normalization_equivariant")


def test_nothing_seen_that_changes_keeps_the_class():
    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList([nn.Conv2d(1, 1, 3), nn.MaxPool2d(2)])

        def forward(self, x):
            for part in self.parts:
                x = part(x)
            return x

    twin = normeq.convert(Chain())
    assert type(twin) is Chain and isinstance(twin.parts[0], AffineConv2d)
    follows(twin, (1, 1, 9, 9))


def test_constraint_and_border_are_handed_on():
    twin = normeq.convert(nn.Conv2d(1, 1, 3, padding=1), constraint="centre", padding_mode="circular")
    assert (twin.constraint, twin.padding_mode) == ("centre", "circular")
    kernel = torch.full((1, 1, 3, 3), 1 / 9)
    conv = nn.Conv2d(1, 1, 3)
    conv.weight.data = kernel
    torch.testing.assert_close(normeq.convert(conv).kernel, kernel)  # affine kernels stay as they are


def test_modes_formats_and_copies():
    network, shape = made("block")
    assert not normeq.convert(network).training and normeq.convert(network.train()).training
    half = normeq.convert(network.eval().to(torch.bfloat16), "norm", shape)
    assert {p.dtype for p in half.parameters()} == {torch.bfloat16}
    assert half(torch.rand(shape, dtype=torch.bfloat16)).dtype == torch.bfloat16
    twin = normeq.convert(network.float())
    y = torch.rand(shape)
    assert torch.equal(copy.deepcopy(twin)(y), twin(y))
    assert torch.equal(normeq.fold(twin)(y).isfinite(), torch.ones(shape, dtype=torch.bool))
    torch.testing.assert_close(normeq.fold(twin)(y), twin(y).detach())
    again = normeq.convert(nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU()))
    assert isinstance(pickle.loads(pickle.dumps(again))[1], SortPool)


def test_a_twin_learns():
    torch.manual_seed(0)
    twin = normeq.convert(UNet(), shape=(1, 3, 8, 8)).train()
    clean = torch.rand(2, 3, 12, 12)
    optimizer = torch.optim.Adam(twin.parameters(), 1e-2)
    losses = []
    for _ in range(8):
        loss = (twin(clean + 0.1 * torch.randn_like(clean)) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(p.grad is not None for p in twin.parameters())


def test_dropout_knows_the_mode_of_the_twin():
    class Drops(nn.Module):
        def forward(self, x):
            return F.gelu(F.dropout(x, 0.5, self.training))

    twin = normeq.convert(Drops().train(), "scale")
    y = torch.ones(1, 64)
    assert (twin(y) == 0).any() and not (twin.eval()(y) == 0).any()


def test_odd_channels_and_several_dimensions():
    class Shared(nn.Module):
        """One activation behind a convolution and behind a linear layer."""

        def __init__(self):
            super().__init__()
            self.conv, self.linear, self.act = nn.Conv1d(1, 3, 3), nn.Linear(9, 5), nn.ReLU()

        def forward(self, x):
            return self.act(self.linear(torch.flatten(self.act(self.conv(x)), 1)))

    twin = normeq.convert(Shared(), shape=(2, 1, 5))
    assert sorted(part.dims for part in twin.modules() if isinstance(part, SortPool)) == [0, 1]
    follows(twin, (2, 1, 5))
    assert isinstance(twin.linear, AffineLinear)


class Loop(nn.Module):
    """A forward that calls its layers by all their names."""

    def __init__(self, *layers):
        super().__init__()
        self.layers, self.unused = nn.ModuleList(layers), None

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Untraced(Loop):
    def forward(self, x):
        return super().forward(x) if x.mean() > 1e9 else super().forward(x)


@pytest.mark.parametrize("to", ["norm", "scale"])
@pytest.mark.parametrize("kind", [nn.Sequential, Loop, Untraced])
def test_every_place_of_a_module_is_converted(kind, to):
    torch.manual_seed(0)
    conv, act, norm = nn.Conv2d(8, 8, 3, padding=1), nn.GELU(), nn.BatchNorm2d(8)
    block = nn.Sequential(conv, act, norm)
    network = kind(
        nn.Conv2d(1, 8, 3, padding=1), act, conv, act, conv, norm, block, block, nn.Conv2d(8, 1, 1)
    )
    shape = (1, 1, 9, 9)
    twin = normeq.convert(network.eval(), to, shape if kind is Untraced else None)
    follows(twin, shape, shift=-7.0 if to == "norm" else 0.0)
    assert not any(isinstance(part, nn.GELU | nn.BatchNorm2d) for part in twin.modules())
    parts = [part for _, part in getattr(twin, "layers", twin)._modules.items()]
    assert parts[2] is parts[4] is parts[6][0] and parts[1] is parts[3] and parts[6] is parts[7]
    assert len([line for line in twin.conversion.changes if "GELU" in line]) == 1


def test_shared_parts_behind_different_layers():
    act, drop = nn.ReLU(), nn.Dropout()
    twin = normeq.convert(
        nn.Sequential(nn.Conv2d(1, 4, 3), drop, act, nn.Flatten(), nn.Linear(36, 6), drop, act).eval()
    )
    assert (twin[2].dims, twin[6].dims) == (2, 0)
    follows(twin, (2, 1, 5, 5))
    with pytest.raises(NormeqError, match="3 ReLU: of a single channel"):
        normeq.convert(nn.Sequential(nn.Conv2d(1, 4, 3), act, nn.Conv2d(4, 1, 3), act))
    both = nn.Sequential(drop, act)
    with pytest.raises(
        NormeqError, match="4 Sequential: it is used behind layers of different numbers of axes"
    ):
        normeq.convert(nn.Sequential(nn.Conv2d(1, 4, 3), both, nn.Flatten(), nn.Linear(36, 6), both))


@pytest.mark.parametrize("to", ["norm", "scale"])
def test_layers_that_share_a_weight_still_do(to):
    torch.manual_seed(0)
    network = nn.Sequential(*(nn.Conv2d(4, 4, 3, padding=1) for _ in range(3)), nn.ConvTranspose2d(4, 4, 3))
    network[2].weight = network[3].weight = network[0].weight
    twin = normeq.convert(network, to)
    assert twin[0].weight is twin[2].weight is twin[3].weight is not twin[1].weight
    assert twin[0].weight is not network[0].weight and torch.equal(twin[0].weight, network[0].weight)
    twin(torch.rand(1, 4, 8, 8)).sum().backward()  # one step moves them all
    assert twin[0].weight.grad is not None and network[0].weight.grad is None
    follows(twin, (1, 4, 8, 8), shift=-7.0 if to == "norm" else 0.0)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("change", ["hook", "pre-hook", "forward"])
def test_what_is_changed_from_outside_has_no_twin(number, change):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3)

        def forward(self, x):
            return self.conv(x) - x[..., 1:-1, 1:-1]

    network = nn.Sequential(Own(), nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 3)))
    layer = [network, network[0], network[1], network[1][1]][number]
    if change == "hook":
        layer.register_forward_hook(lambda module, given, output: output + 1)
    elif change == "pre-hook":
        layer.register_forward_pre_hook(lambda module, given: given[0] + 1)
    else:
        layer.forward = lambda x, own=layer.forward: own(x) + 1
    words = "set on the module itself" if change == "forward" else "hooks .* change it"
    with pytest.raises(NormeqError, match=f"{type(layer).__name__}: .*{words}"):
        normeq.convert(network, shape=(1, 1, 9, 9))


def test_our_own_parts_stay():
    twin = normeq.convert(nn.Sequential(AffineConv2d(1, 2, 3), SortPool(), nn.Conv2d(2, 2, 1)))
    assert len(twin.conversion.changes) == 1

    class Skips(nn.Module):
        def __init__(self):
            super().__init__()
            self.sum = Sum()

        def forward(self, x):
            return self.sum(x, x)

    assert isinstance(normeq.convert(Skips()).sum, AffineResidual)


def test_one_channel_has_no_activation():
    with pytest.raises(NormeqError, match="1 ReLU: of a single channel"):
        normeq.convert(nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()))
    with pytest.raises(NormeqError, match="0 ReLU: which axis the channels are"):
        normeq.convert(nn.Sequential(nn.ReLU(), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(8, 1)))
    normeq.convert(nn.Sequential(nn.ReLU(), nn.Conv2d(2, 2, 3)), shape=(1, 2, 3, 3))


def test_several_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x, y):
            return self.conv(torch.cat([x, y], 1)), {"sum": x[:, :1] + y}

    twin = normeq.convert(Two(), shape=[(1, 1, 4, 4), (1, 2, 4, 4)])
    assert twin.conversion.tested == ((1, 1, 4, 4), (1, 2, 4, 4))


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("fdncnn",), {}, "takes a torch.nn.Module"),
        ((nn.Identity(), "shift"), {}, "unknown twin 'shift'"),
        ((nn.Identity(),), {"constraint": "sum"}, "unknown constraint"),
        ((nn.Identity(),), {"padding_mode": "zeros"}, "does not follow a shift"),
        ((nn.Identity(),), {"shape": (1, 0)}, "shape must be that of an input"),
        ((nn.Identity(),), {"shape": 3}, "shape must be that of an input"),
        ((nn.Identity(),), {"shape": "1,1,8,8"}, "shape must be that of an input"),
        ((nn.Identity(),), {"shape": "118"}, "shape must be that of an input"),
        ((nn.Identity(),), {"shape": (1, 1, 8.5, 8)}, "shape must be that of an input"),
        ((nn.Identity(),), {"shape": [(1, 1, 8.5, 8)]}, "shape must be that of an input"),
        ((nn.Identity(),), {"shape": [1, (1, 8)]}, "shape must be that of an input"),
        ((nn.Conv2d(1, 1, 3),), {"shape": (1, 2, 4, 4)}, "does not run on .1, 2, 4, 4."),
        ((normeq.nn.build_network("fdncnn", "ordinary", depth=2),), {}, "comes in every variant"),
    ],
)
def test_mistakes_are_one_line(arguments, options, words):
    with pytest.raises(NormeqError, match=words) as refused:
        normeq.convert(*arguments, **options)
    assert "\n" not in str(refused.value)
