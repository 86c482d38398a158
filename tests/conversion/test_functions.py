"""Functions in a forward: which are converted, and what is said of those that cannot be."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import normeq
from normeq.errors import NormeqError
from tests.conversion.networks import Function, follows

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
    "parameter spread": (lambda x, m: x + m.factor.expand_as(x), False, False),
    "parameter of its type": (lambda x, m: x + m.factor.type_as(x), False, False),
    "parameter moved to it": (lambda x, m: m.factor.to(x) - x, False, False),
    "parameter reshaped": (lambda x, m: x + m.factor.expand(2, 4, 4, 4).reshape_as(x), False, False),
    "factor of its type": (lambda x, m: x * m.factor.type_as(x), False, True),
    "picked by it": (lambda x, m: x + m.factor[x], False, False),
    "joined parameter": (lambda x, m: torch.cat([x, m.factor.expand(2, 4, 4, 4)], 1), False, False),
    "joined level": (lambda x, m: torch.cat([x, torch.full_like(x, 0.1)], 1), False, False),
    "joined maximum": (lambda x, m: torch.cat([x, torch.full_like(x, x.max())], 1), False, False),
    "joined numbers": (lambda x, m: torch.cat([torch.rand(2, 1, 4, 4), x], 1), False, False),
    "coordinates": (lambda x, m: torch.stack([x, torch.arange(x.size(3)).expand_as(x)]), False, False),
    "joined zeros": (lambda x, m: torch.cat([x, torch.zeros_like(x)], 1), False, True),
    "changed zeros": (
        lambda x, m: (z := torch.zeros_like(x), z.fill_(1), torch.cat([x, z], 1))[2],
        False,
        False,
    ),
    "maximum with a parameter": (lambda x, m: torch.maximum(x, m.factor), False, False),
    "minimum with numbers": (lambda x, m: x.minimum(other=x.new_ones(4)), False, False),
    "larger than a parameter": (lambda x, m: torch.max(m.factor, x), False, False),
    "maximum with zeros": (lambda x, m: torch.maximum(torch.zeros(x.shape[2:]), x), False, True),
    "added product": (
        lambda x, m: torch.baddbmm(m.factor, x.reshape(8, 4, 4), m.conv.weight.view(8, 1, 1)),
        False,
        False,
    ),
    "bytes": (lambda x, m: x.to(torch.uint8).float(), False, False),
    "another's bytes": (lambda x, m: x.type_as(m.factor.long()).float(), False, False),
    "bytes asked for": (lambda x, m: x.mean(1, dtype=torch.int64), False, False),
    "bits": (lambda x, m: x.view(torch.float32), False, False),
    "format of a parameter": (lambda x, m: x.to(m.factor.dtype).type_as(m.conv.weight), True, True),
    "share worked out": (lambda x, m: torch.add(m.factor, m.factor, alpha=x.mean()), False, False),
    "share of a size": (lambda x, m: torch.add(x, x.flip(2), alpha=x.size(1)), False, False),
    "how many": (lambda x, m: x.norm(p=0), False, False),
    "whole quotients": (lambda x, m: x.div(4, rounding_mode="floor"), False, False),
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


class Biased(Branches):
    """Adds a parameter that happens to be 0."""

    def __init__(self, make):
        super().__init__(True)
        self.b = make(torch.zeros(4, 1, 1))

    def forward(self, x):
        return super().forward(x) + self.b


@pytest.mark.parametrize("to", ["norm", "scale"])
def test_what_is_trained_is_tested_away_from_its_beginning(to):
    with pytest.raises(NormeqError, match="relative defect .*not seen: 0 forward of Biased"):
        normeq.convert(nn.Sequential(Biased(nn.Parameter)), to, shape=(1, 1, 5, 5))
    # Nobody trains a buffer.
    twin = normeq.convert(nn.Sequential(Biased(nn.Buffer)), to, shape=(1, 1, 5, 5))
    follows(twin, (1, 1, 5, 5), shift=-7.0 if to == "norm" else 0.0)


def test_what_cannot_be_traced_is_said_and_tested():
    network = nn.Sequential(Branches(True))
    with pytest.raises(NormeqError, match="not seen: 0 forward of Branches: it cannot .*give shape="):
        normeq.convert(network)
    twin = normeq.convert(network, shape=(1, 1, 5, 5))
    follows(twin, (1, 1, 5, 5))
    assert len(twin.conversion.unseen) == 1 and "not seen: 0 forward of Branches" in str(twin.conversion)
    with pytest.raises(NormeqError, match="not normalization-equivariant .*seen: 0 forward of Branches"):
        normeq.convert(nn.Sequential(Branches(False)), shape=(1, 1, 5, 5))


def test_places_are_no_values():
    with pytest.raises(NormeqError, match="1 MaxPool2d: whether it is equivariant is not known"):
        normeq.convert(nn.Sequential(nn.Conv2d(1, 2, 1), nn.MaxPool2d(2, return_indices=True)))


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
