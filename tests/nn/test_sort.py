"""Sort pooling, plain and in the rotated basis, in any number of dimensions."""

import copy
import itertools

import pytest
import torch
from torch import nn

from normeq.nn import SortPool, fold, sort_pairs
from normeq.nn.rotation import RotatedSortPool
from tests.nn.layers import (
    AFFINE,
    DIMS,
    MODES,
    follows,
    numbers,
)


@pytest.mark.parametrize("dims", [0, *DIMS])
@pytest.mark.parametrize("channels", [2, 6, 5])
def test_sort_pooling_in_any_number_of_dimensions(dims, channels):
    size = (3, 4, 2)[:dims]
    x = numbers(2, channels, *size)
    pool = SortPool(dims, odd="pass")
    follows(pool, x)
    assert torch.equal(pool(x)[0], pool(x[0]))
    half = channels // 2
    low, high = x[:, :half], x[:, half : 2 * half]
    expected = torch.cat((low.minimum(high), low.maximum(high), x[:, 2 * half :]), dim=1)
    torch.testing.assert_close(pool(x), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("dims", "mode", "padding"),
    [(d, m, p) for d, m, p in itertools.product(DIMS, MODES, (0, 1, 2)) if (d, m) != (3, "circular")],
)
def test_rotated_sort_pooling_is_sort_pooling(dims, mode, padding):
    """Between two convolutions, gradients included; folded too."""
    torch.manual_seed(0)
    geometry = {"kernel_size": 2 * padding + 1, "padding": padding, "padding_mode": mode}
    first = AFFINE[dims](1, 4, 3, padding=1, padding_mode=mode, sorted_output=True)
    second = AFFINE[dims](4, 3, sorted_input=True, constraint="mean", **geometry)
    network = nn.Sequential(first, RotatedSortPool(dims, padding, mode), second).double().eval()
    reference = copy.deepcopy(network)
    reference[0].sorted_output = reference[2].sorted_input = False
    reference[1] = SortPool(dims)
    x = numbers(2, 1, *(4, 3, 4)[:dims]).requires_grad_()
    results = []
    for net in (network, reference):
        output = net(x)
        slope = torch.linspace(-1, 1, output.numel(), dtype=torch.float64).view_as(output)
        results.append([output, *torch.autograd.grad((output * slope).sum(), [x, *net.parameters()])])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(fold(network)(x.detach()), results[0][0].detach())
    torch.testing.assert_close(network(x[0]), results[0][0][0])


def test_sort_pairs_of_features():
    x = torch.tensor([[3.0, 1.0, 2.0, 5.0]])
    assert sort_pairs(x, dim=-1).tolist() == [[2.0, 1.0, 3.0, 5.0]]
