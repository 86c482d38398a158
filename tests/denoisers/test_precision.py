"""TF32 in software: its numbers, and what is rounded."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from normeq.denoisers.precision import RoundedFactors, round_to_tf32


def nearest(value: float) -> float:
    """The number of 11 significant bits next to a float, ties away from zero; by decimal arithmetic."""
    if value == 0 or not math.isfinite(value):
        return value
    fraction, exponent = math.frexp(abs(value))  # in [0.5, 1)
    return math.copysign(math.ldexp(math.floor(fraction * 2**11 + 0.5), exponent - 11), value)


def test_numbers_are_rounded_to_the_nearest_of_eleven_bits():
    random = np.random.default_rng(0)
    values = (random.normal(size=4000) * 10.0 ** random.integers(-20, 20, 4000)).astype(np.float32)
    ties = np.float32([1 + 2.0**-11, -(1 + 2.0**-11), 1 + 3 * 2.0**-11, 1 - 2.0**-12, 0.0, -0.0, 1.0])
    x = torch.from_numpy(np.concatenate([values, ties, np.float32([np.inf, -np.inf])]))
    expected = torch.tensor([nearest(float(value)) for value in x], dtype=torch.float64)
    assert torch.equal(round_to_tf32(x).double(), expected)
    assert round_to_tf32(torch.tensor([math.nan])).isnan().all()
    assert torch.equal(round_to_tf32(x.double()), x.double())  # other formats are left alone


@pytest.mark.parametrize(
    "product",
    [
        lambda a, b: F.conv2d(a.view(1, 4, 8, 8), b.view(-1, 4, 4, 4)[:4]),
        lambda a, b: F.linear(a.view(16, 16), b.view(16, 16)),
        lambda a, b: a.view(16, 16) @ b.view(16, 16),
    ],
)
def test_factors_are_rounded_and_sums_are_not(product):
    torch.manual_seed(0)
    a, b = torch.randn(256), torch.randn(256)
    with RoundedFactors():
        found = product(a, b)
    assert torch.equal(found, product(round_to_tf32(a), round_to_tf32(b)))
    assert not torch.equal(found, product(a, b)) and not torch.equal(found, round_to_tf32(found))


def test_nothing_else_is_rounded():
    x = torch.randn(100)
    with RoundedFactors():
        assert torch.equal(x * x + x.abs(), (x * x) + torch.abs(x))
    assert not torch.equal(x, round_to_tf32(x))
