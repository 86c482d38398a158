"""Convolutions and linear layers with the arguments of torch.nn: equivariance, kernels, borders."""

import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from normeq import nn as layers
from normeq.errors import NormeqError
from normeq.nn import affine_kernel
from normeq.nn.padding import Pad, pad
from tests.nn.layers import (
    AFFINE,
    CONSTRAINTS,
    DIMS,
    MODES,
    PLAIN,
    PLAIN_TRANSPOSED,
    TRANSPOSED,
    ZERO_SUM,
    follows,
    numbers,
)


@st.composite
def convolutions(draw, kernels=(1, 2, 3, 5)):
    dims = draw(st.sampled_from(DIMS))
    groups = draw(st.sampled_from((1, 2)))
    options = {
        "kernel_size": tuple(draw(st.sampled_from(kernels)) for _ in range(dims)),
        "stride": draw(st.integers(1, 3)),
        "padding": tuple(draw(st.integers(0, 4)) for _ in range(dims)),
        "dilation": draw(st.integers(1, 2)),
        "groups": groups,
        "padding_mode": draw(st.sampled_from(MODES)),
    }
    size = [
        max(1, options["dilation"] * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 3))
        for k, p in zip(options["kernel_size"], options["padding"], strict=True)
    ]
    return dims, 2 * groups, 4, options, size


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.sampled_from(CONSTRAINTS))
def test_convolutions_follow_every_change_of_range(case, constraint):
    """Any kernel, stride, padding (longer than the image too), dilation and groups; at the border too."""
    dims, inside, outside, options, size = case
    if constraint == "centre" and any(k % 2 == 0 for k in options["kernel_size"]):
        with pytest.raises(NormeqError, match="odd kernels, and one is"):
            AFFINE[dims](inside, outside, constraint=constraint, **options)
        return
    conv = AFFINE[dims](inside, outside, constraint=constraint, **options).double()
    x = numbers(2, inside, *size)
    follows(conv, x)
    sums = conv.kernel.flatten(1).sum(dim=1)
    torch.testing.assert_close(sums, torch.ones(outside, dtype=torch.float64))
    torch.testing.assert_close(conv(x[0]), conv(x)[0])  # without an axis for the batch
    plain = PLAIN[dims](inside, outside, bias=False, **options).double()
    assert {k: v.shape for k, v in plain.state_dict().items()} == {
        k: v.shape for k, v in conv.state_dict().items()
    }
    plain.weight.data = conv.kernel.detach()
    try:
        expected = plain(x)  # PyTorch's own padding takes no margin longer than the image
    except RuntimeError:
        return
    torch.testing.assert_close(conv(x), expected)


@settings(max_examples=30, deadline=None)
@given(convolutions(kernels=(2, 3, 5)))
def test_zero_sums_do_not_feel_a_shift_of_each_channel(case):
    dims, inside, outside, options, size = case
    conv = ZERO_SUM[dims](inside, outside, **options).double()
    x = numbers(2, inside, *size)
    follows(conv, x, out_shift=0.0)
    each = torch.arange(1.0, inside + 1, dtype=torch.float64).view(-1, *[1] * dims)
    torch.testing.assert_close(conv(x + 10 * each), conv(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_linear(constraint):
    layer = layers.AffineLinear(5, 7, constraint=constraint).double()
    assert layer.weight.shape == (7, 5)
    for shape in ((5,), (3, 5), (2, 3, 5)):
        follows(layer, numbers(*shape))
    torch.testing.assert_close(layer(torch.ones(5).double()), torch.ones(7).double())


def test_centre_of_one_channel_is_one_minus_the_others():
    weight = numbers(3, 1, 3, 3)
    kernel = affine_kernel(weight, "centre")
    others = torch.ones(3, 3, dtype=torch.bool)
    others[1, 1] = False
    assert torch.equal(kernel[:, 0][:, others], weight[:, 0][:, others])
    torch.testing.assert_close(kernel[:, 0, 1, 1], 1 - weight[:, 0][:, others].sum(dim=1))


def test_centre_of_several_channels_changes_their_central_weights_alike():
    weight = numbers(2, 4, 5, 3)
    difference = affine_kernel(weight, "centre", free_channels=1) - weight
    expected = torch.zeros_like(difference)
    expected[:, :3, 2, 1] = ((1 - weight[:, :3].flatten(1).sum(1)) / 3)[:, None]
    torch.testing.assert_close(difference, expected)
    one = numbers(3, 4, 1, 1)
    torch.testing.assert_close(affine_kernel(one, "centre"), affine_kernel(one, "mean"))


def test_every_affine_kernel_can_be_reached():
    """By transposed layers too: one degree of freedom less for each phase."""
    conv = layers.AffineConvTranspose2d(2, 1, 3, 2).double()
    for constraint, rank in (("telescope", 18 - 4), ("mean", 18 - 4)):
        conv.constraint = constraint
        jacobian = torch.autograd.functional.jacobian(conv.constrain, conv.weight.detach())
        assert torch.linalg.matrix_rank(jacobian.reshape(18, 18)) == rank
    weight = numbers(1, 2, 3, 3)
    jacobian = torch.autograd.functional.jacobian(lambda w: affine_kernel(w, "centre"), weight)
    assert torch.linalg.matrix_rank(jacobian.reshape(18, 18)) == 17


def test_zeros_are_no_matter_without_a_margin():
    layers.AffineConv2d(1, 1, 3, padding_mode="zeros")
    follows(layers.AffineConvTranspose2d(1, 2, 2, 2, padding_mode="zeros").double(), numbers(1, 1, 3, 3))


@pytest.mark.parametrize("dims", DIMS)
def test_arguments_have_the_order_of_torch(dims):
    names = list(inspect.signature(PLAIN[dims]).parameters)
    inherited = inspect.signature(layers.AffineConv2d.__mro__[2].__init__).parameters
    assert list(inherited)[1 : len(names) + 1] == names
    names = list(inspect.signature(PLAIN_TRANSPOSED[dims]).parameters)
    assert list(inspect.signature(TRANSPOSED[dims]).parameters)[: len(names)] == names
    conv = AFFINE[dims](4, 6, 3, 2, 1, 2, 2, False, "circular", "meta", torch.float64)
    assert (conv.stride, conv.dilation, conv.groups) == ((2,) * dims, (2,) * dims, 2)
    assert conv.weight.is_meta and conv.weight.dtype == torch.float64


@pytest.mark.parametrize("dims", DIMS)
def test_the_same_weights_are_drawn_as_by_torch(dims):
    for ours, theirs in ((AFFINE, PLAIN), (ZERO_SUM, PLAIN), (TRANSPOSED, PLAIN_TRANSPOSED)):
        torch.manual_seed(0)
        found = ours[dims](2, 4, 3).weight
        torch.manual_seed(0)
        assert torch.equal(found, theirs[dims](2, 4, 3, bias=False).weight)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1,), (2,), (5,), (1, 3), (4, 2), (3, 1, 2)])
def test_margins_of_any_length(mode, size):
    """Against NumPy, which knows reflections of reflections."""
    np = pytest.importorskip("numpy")
    margins = [(4, 0), (1, 7), (2, 3)][: len(size)]
    x = numbers(2, 3, *size)
    names = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    expected = np.pad(x.numpy(), [(0, 0), (0, 0), *margins], mode=names[mode])
    flat = [margin for pair in reversed(margins) for margin in pair]
    torch.testing.assert_close(pad(x, flat, mode), torch.from_numpy(expected), rtol=0, atol=0)


def test_wide_kernels_in_half_precision_sum_to_one():
    conv = layers.AffineConv3d(64, 2, 3, constraint="centre").to(torch.bfloat16)
    assert conv.kernel.dtype == torch.float32
    assert (conv.kernel.flatten(1).sum(1) - 1).abs().max() < 1e-5


@pytest.mark.parametrize("margin", [1, 2])
@pytest.mark.parametrize("size", [(5, 6), (1, 6), (5, 1), (1, 1)])
@pytest.mark.parametrize("before", [(), (2,), (2, 3), (2, 3, 1), (0, 3), (0, 3, 1)])
@pytest.mark.parametrize("mode", MODES)
def test_padding_takes_any_number_of_axes(margin, size, before, mode):
    x = numbers(*before, *size)
    margins = (margin,) * 4
    whole = (*before, *(side + 2 * margin for side in size))
    for found in (pad(x, margins, mode), Pad(margins, mode)(x)):
        assert torch.equal(found, pad(x.reshape(math.prod(before), *size), margins, mode).reshape(whole))
