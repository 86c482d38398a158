"""Transposed convolutions, in float64: equivariance at every place, borders, output size."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from normeq import nn as layers
from tests.nn.layers import DIMS, MODES, PLAIN_TRANSPOSED, TRANSPOSED, follows, numbers


@st.composite
def transposed(draw):
    dims = draw(st.sampled_from(DIMS))
    options = {"groups": draw(st.sampled_from((1, 2))), "padding_mode": draw(st.sampled_from(MODES))}
    for name in ("stride", "kernel_size", "dilation", "padding", "output_padding"):
        options[name] = []
    for _ in range(dims):
        stride = draw(st.integers(1, 3))
        options["stride"].append(stride)
        options["kernel_size"].append(draw(st.integers(stride, 5)))
        options["dilation"].append(draw(st.sampled_from((1, 2))) if stride % 2 else 1)
        reach = options["dilation"][-1] * (options["kernel_size"][-1] - 1)
        options["padding"].append(draw(st.integers(0, min(2, reach // 2))))
        options["output_padding"].append(draw(st.integers(0, stride - 1)))
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
    return dims, options, [draw(st.integers(1, 3)) for _ in range(dims)]


@settings(max_examples=60, deadline=None)
@given(transposed(), st.sampled_from(("telescope", "mean")))
def test_transposed_convolutions_follow_at_every_place(case, constraint):
    dims, options, size = case
    conv = TRANSPOSED[dims](4, 6, constraint=constraint, **options).double()
    x = numbers(2, 4, *size)
    follows(conv, x)
    # Of PyTorch's layer with these kernels it has the size, and what no border reaches.
    plain = PLAIN_TRANSPOSED[dims](4, 6, bias=False, **options | {"padding_mode": "zeros"}).double()
    plain.weight.data = conv.kernel.detach()
    assert conv(x).shape == plain(x).shape
    inner = plain(torch.ones_like(x)) - 1  # the sum of what arrives
    found, expected = conv(x), plain(x)
    torch.testing.assert_close(found[inner.abs() < 1e-9], expected[inner.abs() < 1e-9])


def test_transposed_convolution_in_blocks_is_that_of_torch():
    """Kernel = stride: no border is reached, and each pixel becomes a block."""
    conv = layers.AffineConvTranspose2d(4, 2, 3, 3, groups=2).double()
    plain = nn.ConvTranspose2d(4, 2, 3, 3, groups=2, bias=False).double()
    plain.weight.data = conv.kernel.detach()
    x = numbers(1, 4, 3, 5)
    torch.testing.assert_close(conv(x), plain(x))


def test_border_of_a_transposed_convolution_by_hand():
    """k = 3, s = 2, padding 1, L = 2, replicate: outputs a₁x₀, a₂x₀ + a₀x₁, a₁x₁, a₂x₁ + a₀x₁."""
    conv = layers.AffineConvTranspose1d(1, 1, 3, 2, 1, 1, padding_mode="replicate", constraint="mean")
    a = conv.kernel.flatten()
    x = torch.tensor([[[2.0, 5.0]]])
    expected = torch.stack([a[1] * 2, a[2] * 2 + a[0] * 5, a[1] * 5, a[2] * 5 + a[0] * 5])
    torch.testing.assert_close(conv(x).flatten(), expected)
    assert a[1].item() == pytest.approx(1) and (a[0] + a[2]).item() == pytest.approx(1)


def test_output_size_of_a_transposed_convolution():
    conv = layers.AffineConvTranspose2d(2, 2, 3, stride=2, padding=1).double()
    x = numbers(1, 2, 4, 5)
    for size in ((7, 9), (8, 10), (7, 10)):
        assert conv(x, output_size=list(size)).shape[-2:] == size
        follows(lambda y, size=size: conv(y, output_size=list(size)), x)
