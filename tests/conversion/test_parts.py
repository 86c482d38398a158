"""What a module is taken for, and what it is given and gives back beside images."""

import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune, spectral_norm, weight_norm

import normeq
from normeq.errors import NormeqError
from normeq.nn import AffineConv2d, SortPool
from normeq.nn.residual import AffineResidual, Sum
from tests.conversion.networks import follows

both = pytest.mark.parametrize("to", ["norm", "scale"])


class Position(nn.Module):
    def __init__(self):
        super().__init__()
        self.values = nn.Parameter(torch.rand(1, 4, 1, 1))

    def forward(self, x):
        return self.values.expand_as(x)


class Beside(Position):
    def forward(self, x):
        return x, self.values


class Plus(nn.Module):
    def forward(self, x, y):
        return x + y


class Skip(nn.Module):
    def forward(self, x, skip=None, factor=0.5):
        return x if skip is None else x + skip


class Uses(nn.Module):
    def __init__(self, function, *parts):
        super().__init__()
        self.conv, self.pos = nn.Conv2d(1, 4, 3, padding=1), nn.Parameter(torch.rand(1, 4, 1, 1))
        self.parts, self.function = nn.ModuleList(parts), [function]

    def forward(self, x):
        return self.function[0](self.conv(x), self.pos, *self.parts)


FIXED = {
    "a layer of a parameter": (lambda x, pos, part: x + part(pos), nn.Conv2d(4, 4, 1), "x . y: one of them"),
    "positions": (lambda x, pos, part: x + part(x), Position(), "x . y: one of them"),
    "positions in a row": (
        lambda x, pos, part: x - part(x), nn.Sequential(nn.Identity(), Position(), nn.Identity()), "x . y: ",
    ),
    "two inputs": (lambda x, pos, part: part(x, pos), Plus(), "parts.0.*: one of them"),
    "a sum of ours": (lambda x, pos, part: part(pos, x), Sum(), "parts.0.*: one of them"),
    "a residual": (lambda x, pos, part: part(x, pos), AffineResidual(), "parts.0.*: one of them"),
    "a number": (lambda x, pos, part: part(x, 0.5), Plus(), "parts.0.*: what becomes of its argument y"),
    "an option": (lambda x, pos, part: part(x, skip=x), Skip(), "parts.0.*: what .* its argument skip"),
    "a pair": (lambda x, pos, part: sum(part(x)[:2]), Beside(), "parts.0 .*Beside: what it gives back"),
    "a result": (lambda x, pos, part: pos + 1, nn.Identity(), "Uses: what it gives back"),
    "one of the results": (lambda x, pos, part: (x, pos), nn.Identity(), "Uses: what it gives back"),
}  # fmt: skip


@both
@pytest.mark.parametrize("name", FIXED)
def test_fixed_values_do_not_become_images_in_a_module(name, to):
    function, part, words = FIXED[name]
    with pytest.raises(NormeqError, match=words) as refused:
        normeq.convert(Uses(function, part), to)
    assert "\n" not in str(refused.value)


@both
def test_what_is_given_beside_images_may_be_right(to):
    def function(x, pos, skip, up, pair):
        x = skip(x, None, factor=0.5)  # as it is anyway
        x, size = pair(up(x, output_size=[12, 12]))
        return F.interpolate(x, size), 3

    class Pair(nn.Module):
        def forward(self, x):
            return x, x.shape[2:]

    network = Uses(function, Skip(), nn.ConvTranspose2d(4, 4, 2, 2), Pair())
    with pytest.raises(NormeqError, match="not seen: parts.2 forward of Pair: what it gives back beside"):
        normeq.convert(network, to)
    twin = normeq.convert(network, to, (1, 1, 6, 6))
    assert len(twin.conversion.unseen) == 1
    follows(First(twin), (1, 1, 6, 6), shift=-7.0 if to == "norm" else 0.0)


class First(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)[0]


def test_positions_may_be_a_factor():
    twin = normeq.convert(Uses(lambda x, pos, part: x * part(x), Position()), "scale")
    follows(twin, (1, 1, 6, 6), shift=0.0)


class OneMore(SortPool):
    def forward(self, x):
        return x.relu() + 1


class StandardisedPlus(nn.Conv2d):
    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight - weight.mean(), None) + 1


class Doubled(AffineConv2d):
    def constrain(self, weight):
        return 2 * weight


class CalledPlus(nn.Conv2d):
    def __call__(self, x):
        return super().__call__(x) + 1


def set_on_it():
    conv = nn.Conv2d(4, 4, 1)
    conv._conv_forward = lambda x, weight, bias: F.conv2d(x, weight) + 1
    return conv


@pytest.mark.parametrize(
    ("make", "to", "words"),
    [
        (OneMore, "norm", "1 x . y: one of them"),
        (OneMore, "scale", "1 x . y: one of them"),
        (lambda: StandardisedPlus(4, 4, 1), "norm", "1 x . y: one of them"),
        (lambda: StandardisedPlus(4, 4, 1), "scale", "1 x . y: one of them"),
        (lambda: Doubled(4, 4, 1), "norm", "not seen: 1 forward of Doubled"),
        (lambda: CalledPlus(4, 4, 1), "scale", "1 CalledPlus: it has a __call__ of its own"),
        (set_on_it, "scale", "1 x . y: one of them"),
        (set_on_it, "norm", "1 x . y: one of them"),
    ],
)
def test_a_subclass_that_computes_something_else_is_looked_into(make, to, words):
    with pytest.raises(NormeqError, match=words):
        normeq.convert(nn.Sequential(nn.Conv2d(1, 4, 3), make()), to)


class Standardised(nn.Conv2d):
    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight - weight.mean(), bias)


class Named(nn.Conv2d):
    def __init__(self, channels):
        super().__init__(channels, channels, 3)

    def reset_parameters(self):
        nn.init.ones_(self.weight)
        nn.init.ones_(self.bias)

    def extra_repr(self):
        return "named"


class AnyBatch(nn.BatchNorm2d):
    def _check_input_dim(self, x):
        pass


def test_a_subclass_that_computes_the_same_is_one_of_its_kind():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), Named(4), AnyBatch(4)).eval()
    assert isinstance(normeq.convert(network)[1], AffineConv2d)
    assert normeq.convert(network, "scale")[1].bias is None
    twin = normeq.convert(nn.Sequential(Standardised(1, 4, 3, bias=False)), "scale")
    assert type(twin[0]) is Standardised  # equivariant as it is
    follows(twin, (1, 1, 5, 5), shift=0.0)


@both
@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize(
    "change", [weight_norm, spectral_norm, lambda c: prune.l1_unstructured(c, "weight", 1)]
)
def test_weights_that_a_hook_works_out(change, to):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(change(nn.Conv2d(2, 1, 3)))).eval()
    with pytest.raises(NormeqError, match="1.0 Conv2d: hooks .* remove them first") as refused:
        normeq.convert(network, to)
    assert "\n" not in str(refused.value)
    with pytest.raises(NormeqError, match=": Conv2d: hooks .* remove them first"):
        normeq.convert(network[1][0], to)


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_what_cannot_be_looked_into_is_one_line():
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()))
    with pytest.raises(NormeqError, match="RecursiveScriptModule: TorchScript .*made of$"):
        normeq.convert(scripted)
    with pytest.raises(NormeqError, match="1 RecursiveScriptModule: TorchScript .*made of$"):
        normeq.convert(nn.Sequential(nn.Conv2d(2, 1, 1), scripted), shape=(1, 2, 5, 5))
    locked = nn.Conv2d(1, 1, 1)
    locked.lock = threading.Lock()
    with pytest.raises(NormeqError, match="Conv2d: it cannot be copied .cannot pickle"):
        normeq.convert(locked)


def test_layers_without_shapes_say_so():
    with pytest.raises(NormeqError, match="LazyConv2d: its shapes are not known yet"):
        normeq.convert(nn.Sequential(nn.LazyConv2d(4, 1)))
