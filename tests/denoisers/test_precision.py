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


def matrices(a, b):
    return a.view(4, 8, 8), b.view(4, 8, 8)


PRODUCTS = {
    "conv1d": lambda a, b: F.conv1d(a.view(4, 4, 16), b.view(-1, 4, 4)),
    "conv2d": lambda a, b: F.conv2d(a.view(1, 4, 8, 8), b.view(-1, 4, 4, 4)),
    "conv2d, same": lambda a, b: F.conv2d(a.view(1, 4, 8, 8), b[:252].view(-1, 4, 3, 3), padding="same"),
    "conv2d, named": lambda a, b: F.conv2d(weight=b.view(-1, 4, 4, 4), input=a.view(1, 4, 8, 8)),
    "conv2d, half": lambda a, b: F.conv2d(a.view(1, 4, 8, 8), weight=b.view(-1, 4, 4, 4)),
    "conv3d": lambda a, b: F.conv3d(a.view(1, 4, 4, 4, 4), b.view(8, 4, 2, 2, 2)),
    "conv_transpose1d": lambda a, b: F.conv_transpose1d(a.view(4, 4, 16), b.view(4, 16, 4), stride=2),
    "conv_transpose2d": lambda a, b: F.conv_transpose2d(a.view(1, 4, 8, 8), b.view(4, -1, 2, 2), stride=2),
    "conv_transpose3d": lambda a, b: F.conv_transpose3d(a.view(1, 4, 4, 4, 4), b.view(4, -1, 2, 2, 2)),
    "convolution": lambda a, b: torch.convolution(
        a.view(1, 4, 8, 8), b.view(-1, 4, 4, 4), None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1
    ),
    "linear": lambda a, b: F.linear(a.view(16, 16), b.view(16, 16)),
    "linear, named": lambda a, b: F.linear(input=a.view(4, 4, 16), weight=b.view(16, 16), bias=ONE),
    "operator": lambda a, b: a.view(16, 16) @ b.view(16, 16),
    "operator, batch": lambda a, b: a.view(4, 8, 8) @ b.view(4, 8, 8)[0].T,
    "vector": lambda a, b: a.view(16, 16) @ b[:16],
    "vectors": lambda a, b: a[:4] @ b[:4],
    "mm": lambda a, b: a.view(16, 16).T.mm(b.view(16, 16)),
    "mm, out": lambda a, b: torch.mm(a.view(16, 16), b.view(16, 16), out=torch.empty(16, 16)),
    "bmm": lambda a, b: torch.bmm(a.view(4, 8, 8), mat2=b.view(4, 8, 8)),
    "matmul": lambda a, b: torch.linalg.matmul(*matrices(a, b)),
    "einsum": lambda a, b: torch.einsum("nij,nkj->nik", *matrices(a, b)),
    "tensordot": lambda a, b: torch.tensordot(*matrices(a, b), dims=([1], [2])),
    "addmm": lambda a, b: torch.addmm(ONE, a.view(16, 16), b.view(16, 16)),
    "addmm_": lambda a, b: torch.zeros(16, 16).addmm_(a.view(16, 16), b.view(16, 16)),
    "baddbmm": lambda a, b: torch.zeros(4, 8, 8).baddbmm(*matrices(a, b)),
    "addbmm": lambda a, b: torch.addbmm(torch.zeros(8, 8), *matrices(a, b)),
    "addmv": lambda a, b: ONE.addmv(a.view(16, 16), b[:16]),
}
ONE = torch.ones(16)


@pytest.mark.parametrize("without_gradients", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", PRODUCTS)
def test_factors_are_rounded_and_sums_are_not(name, without_gradients):
    torch.manual_seed(0)
    a, b, product = torch.randn(256), torch.randn(256), PRODUCTS[name]
    with RoundedFactors(), without_gradients():
        found = product(a, b)
    assert torch.equal(found, product(round_to_tf32(a), round_to_tf32(b)))
    assert not torch.equal(found, product(a, b)) and not torch.equal(found, round_to_tf32(found))


@pytest.mark.parametrize("without_gradients", [torch.no_grad, torch.inference_mode])
def test_both_products_of_attention_are_rounded(without_gradients):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 4, 8, 8)
    shares = (round_to_tf32(q / 8**0.25) @ round_to_tf32(k / 8**0.25).mT).softmax(-1)
    expected = round_to_tf32(shares) @ round_to_tf32(v)
    with RoundedFactors(), without_gradients():
        found = F.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert (F.scaled_dot_product_attention(q, k, v) - expected).abs().max() > 1e-5
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    with without_gradients():
        before = layer(q[0])
        with RoundedFactors():
            assert (layer(q[0]) - before).abs().max() > 1e-5
        assert torch.equal(layer(q[0]), before) and torch.backends.mha.get_fastpath_enabled()


def test_gradients_come_through():
    weight = torch.randn(4, 4, 2, 2, requires_grad=True)
    with RoundedFactors():
        F.conv_transpose2d(torch.ones(1, 4, 3, 3), weight).sum().backward()
    assert torch.equal(weight.grad, torch.full_like(weight, 9))


def test_nothing_else_is_rounded():
    x = torch.randn(100)
    with RoundedFactors():
        assert torch.equal(x * x + x.abs(), (x * x) + torch.abs(x))
    assert not torch.equal(x, round_to_tf32(x))
