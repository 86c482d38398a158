"""What every layer can: derivatives, torch.func, the compiler, folding, half precision, clear errors."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jacfwd, jacrev, vmap

from normeq import nn as layers
from normeq.errors import NormeqError
from normeq.nn import SortPool, fold
from normeq.nn.padding import pad
from normeq.nn.rotation import RotatedSortPool
from tests.nn.layers import (
    KINDS,
    each,
    small,
)


def in_blocks(size):
    """A layer that needs no border, asked for one by its output size."""
    conv = layers.AffineConvTranspose2d(2, 2, 2, stride=2, padding_mode="zeros")
    return conv(torch.rand(1, 2, size, size), output_size=[2 * size + 1] * 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.AffineConv2d(1, 1, 3, padding=1, padding_mode="zeros"), "'zeros' does not follow"),
        (lambda: layers.ZeroSumConv1d(1, 1, 3, padding="same", padding_mode="zeros"), "'zeros' does not"),
        (lambda: layers.AffineConvTranspose2d(1, 1, 4, 2, padding_mode="zeros"), "'zeros' does not follow"),
        (lambda: RotatedSortPool(padding_mode="zeros"), "'zeros' does not follow"),
        (lambda: in_blocks(8), "AffineConvTranspose2d: padding_mode='zeros' does not follow"),
        (lambda: in_blocks(1), "AffineConvTranspose2d: padding_mode='zeros' does not follow"),
        (lambda: pad(torch.zeros(1, 2, 4), (1, 1), "constant"), "pad: unknown padding_mode 'constant'"),
        (lambda: pad(torch.zeros(1, 2, 4), (1, 1), "zeros"), "pad: padding_mode='zeros' does not follow"),
        (lambda: pad(torch.zeros(1, 2, 4), (1, 1, 1)), r"two for each axis.*not \(1, 1, 1\) of 3 axes"),
        (lambda: pad(torch.zeros(4), (1, 1, 1, 1)), r"not \(1, 1, 1, 1\) of 1 axes"),
        (lambda: layers.AffineConv3d(1, 1, 3, bias=True), "bias is not equivariant"),
        (lambda: layers.AffineLinear(1, 1, True), "bias is not equivariant"),
        (lambda: layers.AffineConvTranspose1d(1, 1, 3, bias=True), "bias is not equivariant"),
        (lambda: layers.AffineConvTranspose1d(1, 1, 2, 3), "some outputs get no input"),
        (lambda: layers.AffineConvTranspose1d(1, 1, 5, 2, dilation=2), "some outputs get no input"),
        (lambda: layers.AffineConvTranspose1d(1, 1, 4, 2, constraint="centre"), "odd kernels, and one is 2"),
        (lambda: layers.AffineConv2d(1, 1, (3, 2), constraint="centre"), "one is 3×2"),
        (lambda: layers.AffineConv2d(1, 1, 3, constraint="sum"), "unknown constraint 'sum'"),
        (lambda: layers.AffineLinear(1, 1, constraint="sum"), "unknown constraint 'sum'"),
        (lambda: layers.AffineConv2d(2, 2, 3, groups=2, sorted_output=True), "groups do not go with"),
        (lambda: layers.AffineConv2d(2, 2, 3, groups=2, free_channels=1), "groups do not go with"),
        (lambda: layers.AffineConv2d(2, 5, 3, sorted_output=True), "sorted_output needs an even .* got 5"),
        (lambda: layers.AffineConv1d(3, 2, 3, sorted_input=True), "sorted_input needs an even .* got 3"),
        (lambda: layers.ZeroSumConv2d(2, 5, 3, sorted_output=True), "sorted_output needs an even .* got 5"),
        (lambda: layers.AffineConv2d(2, 2, 3, free_channels=2), "must leave one of 2 channels"),
        (lambda: layers.ZeroSumConv2d(1, 1, 1), "sums to 0 is 0"),
        (lambda: layers.build_network("drunet", "norm", constraint="centre"), "one is 2×2"),
        (lambda: SortPool()(torch.zeros(1, 3, 4, 4)), "even number of channels, got 3"),
        (lambda: SortPool(1, odd="pass")(torch.zeros(1, 1, 4)), "even number of channels, got 1"),
        (lambda: RotatedSortPool(1)(torch.zeros(1, 3, 4)), "even number of channels, got 3"),
        (lambda: layers.BiasFreeBatchNorm2d(1)(torch.zeros(1, 1, 2)), "takes .N, C, …. of 4 axes"),
        (lambda: layers.BiasFreeBatchNorm2d(4)(torch.zeros(2, 1, 3, 3)), r"takes 4 channels, got \(2, 1, 3"),
        (lambda: layers.BiasFreeBatchNorm1d(1).eval()(torch.zeros(2, 3)), r"takes 1 channels, got \(2, 3\)"),
        (lambda: layers.BiasFreeBatchNorm3d(2)(torch.zeros(1, 3, 1, 1, 1)), "takes 2 channels"),
    ],
)
def test_what_cannot_be_had_is_one_line(make, words):
    with pytest.raises(NormeqError, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)


@each
def test_gradients_of_input_and_weights(dims, kind):
    layer, x = small(dims, kind)
    names, weights = zip(*layer.named_parameters(), strict=True)

    def function(y, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), (y,))

    inputs = (x[:1].requires_grad_(), *(w.detach().requires_grad_() for w in weights))
    assert torch.autograd.gradcheck(
        function, inputs, check_forward_ad=True, fast_mode=True, check_batched_grad=dims < 3
    )
    assert torch.autograd.gradgradcheck(lambda *i: function(*i).square(), inputs, fast_mode=True)


@each
def test_torch_func(dims, kind):
    layer, x = small(dims, kind)
    one = x[:1]
    expected = torch.autograd.functional.jacobian(layer, one)
    torch.testing.assert_close(jacrev(layer)(one), expected)
    torch.testing.assert_close(jacfwd(layer)(one), expected)
    if kind != "bias-free":
        torch.testing.assert_close(vmap(layer)(x), layer(x))
    weights = dict(layer.named_parameters())

    def loss(w, y):
        return functional_call(layer, w, (y[None],)).square().sum()

    found = vmap(grad(loss), in_dims=(None, 0))(weights, x)
    for number, y in enumerate(x):
        slopes = torch.autograd.grad(loss(weights, y), list(weights.values()))
        for name, slope in zip(weights, slopes, strict=True):
            torch.testing.assert_close(found[name][number], slope)


@pytest.mark.parametrize(
    ("dims", "kind"), [(1, "affine"), *((2, kind) for kind in KINDS), (3, "transposed"), (3, "rotated")]
)
def test_compiled_in_one_graph(dims, kind):
    torch.compiler.reset()
    layer, x = small(dims, kind)
    results = []
    for run in (layer, torch.compile(layer, backend="aot_eager", fullgraph=True)):
        y = x.clone().requires_grad_()
        output = run(y)
        results.append([output, *torch.autograd.grad(output.pow(3).sum(), [y, *layer.parameters()])])
    for found, expected in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(found, expected)


@each
def test_folded(dims, kind):
    layer, x = small(dims, kind)
    network = nn.Sequential(layer).eval()
    folded = fold(network)
    torch.testing.assert_close(folded(x.clone()), network(x).detach())
    assert torch.equal(copy.deepcopy(folded)(x.clone()), folded(x.clone()))
    assert not any(isinstance(part, layers.AffineConv2d | layers.AffineLinear) for part in folded.modules())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@each
def test_half_precision_keeps_shifts_to_its_digits(dims, kind, dtype):
    layer, x = small(dims, kind)
    layer, x = layer.to(dtype), x.abs().to(dtype)
    if kind in ("affine", "transposed", "linear", "sort", "rotated"):
        ones = layer(torch.ones_like(x))
        assert ones.dtype == dtype
        assert (ones.double() - 1).abs().max() < 4 * torch.finfo(dtype).eps
    assert torch.equal(layer(4 * x), 4 * layer(x))  # a power of two is exact
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.float()(x.float()).isfinite().all()
