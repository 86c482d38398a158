"""``normeq.certify`` on what is known to be equivariant, and on what is not."""

import itertools

import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter
from torch import nn

import normeq
from normeq.errors import NormeqError
from normeq.nn import build_network

SMALL = {"depth": 3, "channels": 4}


@pytest.mark.parametrize("noise_map", [False, True])
@pytest.mark.parametrize(
    ("variant", "scale", "shift"),
    [("ordinary", False, False), ("scale", True, False), ("norm", True, True), ("wrapped", True, True)],
)
def test_networks(variant, scale, shift, noise_map):
    torch.manual_seed(0)
    network = build_network("fdncnn", variant, noise_map=noise_map, **SMALL).eval()
    found = normeq.certify(network)
    assert (found.scale_equivariant, found.shift_equivariant) == (scale, shift)
    assert found.normalization_equivariant == (scale and shift)
    assert found.dtypes == ("float64", "float32") and found.verdict("scale", "float32") == scale
    assert next(network.parameters()).dtype == torch.float32
    sign = "✓" if shift else "✗"
    assert sign in str(found).splitlines()[1] and not found.errors


FUNCTIONS = {
    "of tensors": (lambda y: y.mean(dim=(-2, -1), keepdim=True) + 0 * y, True, True),
    "with fixed values": (lambda y: y.clamp(0, 1), False, False),
    "blind to shifts": (lambda y: y - y.mean(), True, False),
    "not to scale": (lambda y: y + 0.1, False, True),
    "of arrays": (lambda y: median_filter(y, 3), True, True),
    "of arrays and a level": (lambda y, sigma: np.where(np.abs(y) < sigma, 0, y), True, False),
    "level of tensors": (lambda y, sigma: torch.where((y - y.mean()).abs() < sigma, y.mean(), y), True, True),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function, scale, shift = FUNCTIONS[name]
    found = normeq.certify(function)
    assert (found.scale_equivariant, found.shift_equivariant) == (scale, shift)


def test_an_image_of_ones_own():
    conv = nn.Conv3d(2, 2, 1, bias=False).eval()
    found = normeq.certify(conv, torch.rand(1, 2, 3, 4, 5), scales=[7], shifts=[3])
    assert found.scale_equivariant and not found.shift_equivariant
    assert {(r.change.scale, r.change.shift) for r in found.rows} == {
        (1, 0), *itertools.product((7, 40), (0, 3, 10)), (1, 3), (1, 10)
    }  # fmt: skip
    seen = []
    normeq.certify(lambda y: seen.append(y) or y, np.zeros((3, 4, 2), dtype=np.uint8))
    assert {(type(y), y.shape) for y in seen} == {(np.ndarray, (3, 4, 2))}


def test_what_is_random_has_no_verdict():
    found = normeq.certify(lambda y: y + torch.rand_like(y))
    assert found.normalization_equivariant is None and "–" in str(found)


def test_refusals_are_defects():
    def picky(y):
        if y.max() > 100:
            raise ValueError("too\nbright")
        return y * torch.where(y.max() - y.min() < 0.01, torch.nan, 1.0)

    found = normeq.certify(picky)
    assert found.scale_equivariant is False and found.worst("scale", "float64") == float("inf")
    assert found.verdict("shift") is True
    assert any("λ = 255, μ = 0: ValueError: too bright" in line for line in found.errors)
    assert any("λ = 0.001, μ = 0: NaN or infinity" in line for line in found.errors)


UNIT = torch.rand(1, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_what_works_in_place_works_on_a_copy(dtype):
    y = (UNIT - 0.5).to(dtype)
    before, array = y.clone(), y.numpy().copy()
    normeq.certify(nn.ReLU(inplace=True).eval(), y)
    normeq.certify(lambda x: x.clamp_(min=0), y)
    normeq.certify(lambda x: np.maximum(x, 0, out=x), array)
    assert torch.equal(y, before) and np.array_equal(array, before.numpy())


@pytest.mark.parametrize("shifts", [(0.5, 10), (-1,)])
def test_in_place_or_not_is_one_verdict(shifts):
    y, array = -UNIT - 1, (-UNIT - 1).numpy()
    functions = [
        (lambda x: x.clamp(min=0), y), (lambda x: x.clamp_(min=0), y), (nn.ReLU(inplace=True).eval(), y),
        (lambda x: np.maximum(x, 0), array), (lambda x: np.maximum(x, 0, out=x), array),
    ]  # fmt: skip
    for function, image in functions:
        found = normeq.certify(function, image, shifts=shifts)
        assert found.shift_equivariant is False and found.scale_equivariant is True


@pytest.mark.parametrize("exponent", [-170, -60, -17, -6, -1, 0, 1, 8, 17, 60, 170, 300])
def test_the_units_of_the_image_do_not_matter(exponent):
    size = 2.0 ** round(3.32 * exponent)
    functions = {
        "identity": (lambda x: x, True, True),
        "saturates": (lambda x: torch.tanh(x / size) * size, False, False),
        "blind to shifts": (lambda x: x - x.mean(), True, False),
        "bias": (lambda x: x + 0.1 * size, False, True),
        "magnitude": (torch.abs, True, False),
    }
    for name, (function, scale, shift) in functions.items():
        found = normeq.certify(function, size * UNIT)
        assert (found.scale_equivariant, found.shift_equivariant) == (scale, shift), name
        here = normeq.certify(lambda x, f=function: f(x * size) / size, UNIT)
        for one, other in zip(found.rows, here.rows, strict=True):
            assert one.change.shift == other.change.shift * size
            if one.dtype == "float64":
                assert one.relative == other.relative, name


def test_given_shifts_are_in_the_units_of_the_image():
    found = normeq.certify(lambda y: y, 200 * UNIT, shifts=[3])
    assert {row.change.shift for row in found.rows} == {0, 3, 2560}


@pytest.mark.parametrize("size", [1e-60, 1e60])
def test_an_image_that_float32_cannot_hold_has_no_verdict_there(size):
    found = normeq.certify(lambda y: y, size * UNIT)
    assert found.normalization_equivariant is True and found.verdict("joint", "float32") is None
    assert any("float32" in line for line in found.errors) and "–" in str(found)


@pytest.mark.parametrize("kind", [">f4", ">f8", "<f2", ">u2", "i8"])
def test_arrays_of_all_strides_and_byte_orders(kind):
    array = (200 * UNIT[0, 0].numpy()).astype(kind)
    for image in (array, array[::-1], array.T, array[::2, ::-3]):
        assert normeq.certify(lambda y: median_filter(y, 3)[::-1][::-1], image).normalization_equivariant
        assert normeq.certify(lambda y: y.astype(">f8")[::-1], image).normalization_equivariant


def test_what_lies_under_a_mask_is_no_answer():
    with pytest.raises(NormeqError, match="the denoiser: returned .* masked pixels: fill them in"):
        normeq.certify(lambda y: np.ma.masked_greater(y, 0.5))


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("fdncnn",), {}, "takes a torch.nn.Module or a function"),
        ((nn.Conv2d,), {}, "takes a torch.nn.Module or a function"),
        ((nn.Conv2d(1, 1, 1),), {}, "training mode"),
        ((nn.Conv2d(3, 1, 1).eval(),), {}, "fails on the image as it is, in float64: RuntimeError"),
        ((nn.Identity().eval(), [1.0]), {}, "not list"),
        ((nn.Identity().eval(), torch.zeros(0)), {}, "at least one pixel"),
        ((nn.Identity().eval(), np.ma.masked_less(np.eye(3), 1)), {}, "no masked arrays: fill in"),
        ((nn.Identity().eval(), np.eye(3, dtype=object)), {}, "not one of object: convert it"),
        ((nn.Identity().eval(), np.array([["a"]])), {}, "not one of <U1: convert it"),
        ((nn.Identity().eval(), np.eye(3, dtype=np.longdouble)), {}, "not one of .*: convert it"),
        ((nn.Identity().eval(), torch.eye(3, dtype=torch.bool)), {}, "not one of torch.bool: convert it"),
        ((nn.Identity().eval(), torch.eye(3).to_sparse()), {}, "convert it"),
        ((nn.Identity().eval(), torch.eye(3) / 0), {}, "NaN or infinity"),
        ((nn.Identity().eval(),), {"scales": [-1]}, "scale must be a positive number"),
    ],
)
def test_one_line_where_nothing_can_be_measured(arguments, options, words):
    with pytest.raises(NormeqError, match=words) as refused:
        normeq.certify(*arguments, **options)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("statistics", ["global", "local"])
def test_a_wrapped_network_of_ones_own_is_told_the_level(statistics):
    class Threshold(nn.Module):
        def forward(self, y, sigma):
            level = sigma.reshape(-1, 1, 1, 1) if sigma.ndim == 1 else sigma
            return y.where(y.abs() > level, y.new_zeros(()))

    assert not normeq.certify(Threshold().eval(), sigma=torch.tensor([0.1])).shift_equivariant
    assert normeq.certify(normeq.wrap(Threshold().eval(), statistics, box=9)).normalization_equivariant
