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


class Block(nn.Module):
    """One activation for two places, a scaled skip, an option."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(channels, channels, 3, padding=2, dilation=2, groups=2)

    def forward(self, x, share=0.25):
        return self.act(x + share * self.second(self.act(self.norm(self.first(x)))))


class UNet(nn.Module):
    """Functions beside modules: activations, padding, pooling, dropout, interpolation, skips."""

    image_channels = 3

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.body = nn.Sequential(Block(8), Block(8))
        self.down = nn.Conv2d(8, 12, 2, 2)
        self.up = nn.ConvTranspose2d(12, 8, 4, 2, 1)
        self.blocks = nn.ModuleList([nn.Conv2d(16, 16, 1) for _ in range(2)])
        self.tail = nn.Conv2d(16, 3, 3, padding=1, padding_mode="replicate")

    def forward(self, y, sigma=None, *, details=False):
        x = F.gelu(self.head(y))
        z = self.down(F.pad(self.body(x), (1, 1, 1, 1)))
        z = F.dropout(z, 0.2, self.training)
        z = F.interpolate(self.up(z), size=y.shape[2:], mode="bilinear")
        z = torch.cat([z, F.avg_pool2d(x, 3, 1, 1)], dim=1)
        for block in self.blocks:
            z = block(z).relu() + z
        return y - self.tail(z)


def mlp():
    return nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Dropout(), nn.Linear(8, 5), nn.LeakyReLU(0.1))


def classifier():
    return nn.Sequential(
        nn.Conv2d(1, 5, 3, 2, 1), nn.BatchNorm2d(5), nn.PReLU(5), nn.MaxPool2d(2, padding=1),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(20, 6), nn.ReLU(), nn.Linear(6, 3),
    )  # fmt: skip


def signals():
    return nn.Sequential(
        nn.ConstantPad1d((2, 1), 0.0), nn.Conv1d(2, 4, 4, groups=2), nn.ELU(), nn.BatchNorm1d(4),
        nn.ConvTranspose1d(4, 3, 3, 2, 1, 1), nn.ReLU(), nn.AvgPool1d(3, 2, 1), nn.Upsample(scale_factor=2),
    )  # fmt: skip


def volumes():
    return nn.Sequential(
        nn.Conv3d(1, 4, 3, padding="same", padding_mode="circular"), nn.Mish(), nn.AvgPool3d(2, padding=1),
        nn.BatchNorm3d(4, affine=False), nn.ConvTranspose3d(4, 1, 2, 2),
    )  # fmt: skip


def shuffled():
    return nn.Sequential(
        nn.PixelUnshuffle(2), nn.ZeroPad2d(1), nn.Conv2d(4, 8, 3), nn.ReLU6(), nn.ChannelShuffle(2),
        nn.Conv2d(8, 4, 1), nn.PixelShuffle(2), nn.ReflectionPad2d(1), nn.Identity(),
    )  # fmt: skip


NETWORKS = {
    "block": (lambda: Block(6), (2, 6, 7, 5)),
    "unet": (UNet, (2, 3, 9, 12)),
    "mlp": (mlp, (3, 6)),
    "tokens": (mlp, (2, 7, 6)),
    "classifier": (classifier, (2, 1, 11, 10)),
    "signals": (signals, (2, 2, 9)),
    "volumes": (volumes, (1, 1, 4, 4, 4)),
    "shuffled": (shuffled, (1, 1, 6, 8)),
    "one layer": (lambda: nn.Conv2d(3, 2, 5, padding=(2, 1)), (1, 3, 4, 4)),
}
each = pytest.mark.parametrize("name", NETWORKS)


def made(name):
    """A network with statistics that are not those of its beginning, in evaluation mode."""
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    network = make()
    for part in network.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return network.eval(), shape


def follows(network, shape, scale=3.0, shift=-7.0):
    y = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    network = copy.deepcopy(network).double()
    torch.testing.assert_close(network(scale * y + shift), scale * network(y) + shift, rtol=1e-9, atol=1e-9)


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


class Function(nn.Module):
    """A forward of one function."""

    def __init__(self, function, channels=4):
        super().__init__()
        self.conv = nn.Conv2d(2, channels, 1)
        self.factor = nn.Parameter(torch.ones(1))
        self.function = [function]  # (no part of the trace)

    def forward(self, x):
        return self.function[0](self.conv(x), self)


GOOD = {  # function: whether it is converted for norm and for scale
    "relu": (lambda x, m: torch.relu(x), True, True),
    "clamp from 0": (lambda x, m: x.clamp(min=0), True, True),
    "silu": (lambda x, m: F.silu(x), True, True),
    "sum() of a list": (lambda x, m: sum([x, x.flip(2), x]), True, True),
    "alpha": (lambda x, m: torch.add(x, x.flip(2), alpha=3), True, True),
    "divided share": (lambda x, m: x.flip(3).div(4) + x, True, True),
    "gated skip": (lambda x, m: x + m.factor * x.flip(2), True, True),
    "maximum": (lambda x, m: torch.maximum(x, x.flip(2)), True, True),
    "max of all": (lambda x, m: x.max(), True, True),
    "pooling": (lambda x, m: F.max_pool2d(F.avg_pool2d(x, 3, 1, 1), 2), True, True),
    "pooling, all places": (lambda x, m: F.avg_pool2d(x, 3, 1, 1, False, True), True, True),
    "adaptive": (lambda x, m: F.adaptive_avg_pool2d(x, 2), True, True),
    "mirrored": (lambda x, m: F.pad(x, (1, 1, 1, 1), mode="reflect"), True, True),
    "zeros": (lambda x, m: F.pad(x, (1, 2, 7, 1), value=0.0), True, True),
    "moved": (lambda x, m: x.permute(0, 2, 3, 1).reshape(x.size(0), -1, 4)[:, 1:], True, True),
    "parts": (lambda x, m: torch.cat(x.chunk(2, dim=1)[::-1], dim=1), True, True),
    "mean": (lambda x, m: x.mean(dim=(2, 3)), True, True),
    "sizes": (lambda x, m: x[..., : x.shape[-1] // 2 + 1], True, True),
    "several": (lambda x, m: {"a": x, "b": (x.relu(), 3)}["b"][0], True, True),
    "factor": (lambda x, m: 2 * x, False, True),
    "negated": (lambda x, m: -x, False, True),
    "parameter": (lambda x, m: x * m.factor, False, True),
    "abs": (lambda x, m: x.abs(), False, True),
    "leaky": (lambda x, m: F.leaky_relu(x, 0.2), True, True),
    "constant": (lambda x, m: x + 1, False, False),
    "parameter added": (lambda x, m: x - m.factor, False, False),
    "gate": (lambda x, m: x * x.mean(dim=(2, 3), keepdim=True), False, False),
    "quotient": (lambda x, m: 1 / x, False, False),
    "sigmoid": (lambda x, m: torch.sigmoid(x), False, False),
    "clamp": (lambda x, m: x.clamp(0, 1), False, False),
    "square": (lambda x, m: x.pow(2), False, False),
    "products": (lambda x, m: x @ x.transpose(2, 3), False, False),
    "normalised": (lambda x, m: F.instance_norm(x), False, False),
    "padded by ones": (lambda x, m: F.pad(x, (1, 1), value=1.0), False, False),
    "convolution": (lambda x, m: F.conv2d(x, m.conv.weight, m.conv.bias), False, False),
    "unknown": (lambda x, m: torch.fft.fft(x).real, False, False),
    "in place": (lambda x, m: (x.relu_(), x)[1], False, False),
}


@pytest.mark.parametrize("to", ["norm", "scale"])
@pytest.mark.parametrize("name", GOOD)
def test_functions_in_a_forward(name, to):
    function, norm, scale = GOOD[name]
    module = Function(function).eval()
    shape = (2, 2, 4, 4)
    if name == "in place":  # what it computes would be equivariant, and not what was meant
        with pytest.raises(NormeqError, match="relu_..: its result is not used"):
            normeq.convert(module, to, shape)
    if to == "norm" and not norm or to == "scale" and not scale:
        with pytest.raises(NormeqError, match="no .* twin: ") as refused:
            normeq.convert(module, to)
        assert "\n" not in str(refused.value)
        return
    twin = normeq.convert(module, to, shape)
    follows(twin, shape, shift=-7.0 if to == "norm" else 0.0)


REFUSED = {
    "a": (nn.LayerNorm(4), "both"),
    "b": (nn.GroupNorm(2, 4), "both"),
    "c": (nn.Sigmoid(), "both"),
    "d": (nn.Softmax(1), "both"),
    "e": (nn.ConstantPad2d(1, 1.0), "both"),
    "f": (nn.LPPool2d(2, 2), "norm"),
    "g": (nn.AvgPool2d(2, divisor_override=3), "norm"),
    "h": (nn.ConvTranspose2d(4, 4, 1, 2), "norm"),
    "i": (nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 1)), "both"),
    "j": (nn.BatchNorm2d(4, track_running_stats=False), "scale"),
    "k": (nn.LazyConv2d(4, 1), "both"),
    "l": (nn.LSTM(4, 4), "both"),
    "m": (nn.Hardtanh(), "both"),
    "n": (nn.AlphaDropout(), "scale"),
}


@pytest.mark.parametrize("to", ["norm", "scale"])
def test_all_that_cannot_be_converted_is_listed(to):
    network = nn.ModuleDict({name: part for name, (part, _) in REFUSED.items()})
    network["block"] = Function(lambda x, m: torch.tanh(x + 1) * x.sum(1, keepdim=True))
    with pytest.raises(NormeqError) as refused:
        normeq.convert(nn.Sequential(*network.values()), to)
    text = str(refused.value)
    for number, (part, of) in enumerate(REFUSED.values()):
        assert (f"{number} {type(part).__name__}: " in text) == (of in (to, "both")), (number, text)
    for name in ("tanh()", "x + y", "mul()"):
        assert f"{len(REFUSED)} {name}: " in text
    assert "\n" not in text


def test_one_channel_has_no_activation():
    with pytest.raises(NormeqError, match="1 ReLU: of a single channel"):
        normeq.convert(nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()))
    with pytest.raises(NormeqError, match="0 ReLU: which axis the channels are"):
        normeq.convert(nn.Sequential(nn.ReLU(), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(8, 1)))
    normeq.convert(nn.Sequential(nn.ReLU(), nn.Conv2d(2, 2, 3)), shape=(1, 2, 3, 3))


class Branches(nn.Module):
    """Looks at values, so that it cannot be traced."""

    def __init__(self, honest):
        super().__init__()
        self.conv, self.act, self.honest = nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), honest

    def forward(self, x):
        x = self.act(self.conv(x))
        if x.isfinite().all() and not self.honest:
            return x + 0.1
        return x


def test_what_cannot_be_traced_is_said_and_tested():
    network = nn.Sequential(Branches(True))
    with pytest.raises(NormeqError, match="not seen: 0 forward of Branches: it cannot .*give shape="):
        normeq.convert(network)
    twin = normeq.convert(network, shape=(1, 1, 5, 5))
    follows(twin, (1, 1, 5, 5))
    assert len(twin.conversion.unseen) == 1 and "not seen: 0 forward of Branches" in str(twin.conversion)
    with pytest.raises(NormeqError, match="not normalization-equivariant .*seen: 0 forward of Branches"):
        normeq.convert(nn.Sequential(Branches(False)), shape=(1, 1, 5, 5))


def test_a_part_nobody_knows_is_tested():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Unfold(2), nn.Unflatten(1, (8, 1)))
    with pytest.raises(NormeqError, match="1 Unfold: whether it is equivariant is not known"):
        normeq.convert(network)
    assert normeq.convert(network, shape=(1, 1, 4, 4)).conversion.unseen
    with pytest.raises(NormeqError, match="relative defect .*not seen: 1 Unfold"):
        normeq.convert(nn.Sequential(nn.Conv2d(1, 2, 1), nn.Unfold(2, padding=1)), shape=(1, 1, 4, 4))


def test_a_forward_that_depends_on_the_mode_is_not_seen():
    class Modes(nn.Module):
        def forward(self, x):
            return x + 1 if self.training else x

    with pytest.raises(NormeqError, match="something else in training"):
        normeq.convert(Modes().eval())
    assert normeq.convert(Modes().eval(), shape=(1, 2)).conversion.unseen


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
        ((nn.Conv2d(1, 1, 3),), {"shape": (1, 2, 4, 4)}, "does not run on .1, 2, 4, 4."),
        ((normeq.nn.build_network("fdncnn", "ordinary", depth=2),), {}, "comes in every variant"),
    ],
)
def test_mistakes_are_one_line(arguments, options, words):
    with pytest.raises(NormeqError, match=words) as refused:
        normeq.convert(*arguments, **options)
    assert "\n" not in str(refused.value)
