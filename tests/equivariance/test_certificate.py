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


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("fdncnn",), {}, "takes a torch.nn.Module or a function"),
        ((nn.Conv2d,), {}, "takes a torch.nn.Module or a function"),
        ((nn.Conv2d(1, 1, 1),), {}, "training mode"),
        ((nn.Conv2d(3, 1, 1).eval(),), {}, "fails on the image as it is, in float64: RuntimeError"),
        ((nn.Identity().eval(), [1.0]), {}, "not a list"),
        ((nn.Identity().eval(), torch.zeros(0)), {}, "at least one pixel"),
        ((nn.Identity().eval(),), {"scales": [-1]}, "scale must be a positive number"),
    ],
)
def test_one_line_where_nothing_can_be_measured(arguments, options, words):
    with pytest.raises(NormeqError, match=words) as refused:
        normeq.certify(*arguments, **options)
    assert "\n" not in str(refused.value)
