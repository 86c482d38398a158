"""Affine convolution and sort pooling, in float64 against independent references."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate

from normeq.errors import NormeqError
from normeq.nn import AffineConv2d, AffineResidual, affine_kernel, build_network, sort_pairs
from normeq.nn.affine import PixelShuffleUp

CONSTRAINTS = ("telescope", "mean")


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize(("size", "stride"), [(3, 1), (1, 1), (2, 2)])
def test_every_kernel_sums_to_one(constraint, size, stride):
    conv = AffineConv2d(6, 4, size, stride, constraint=constraint).double()
    torch.testing.assert_close(conv.kernel.sum(dim=(1, 2, 3)), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_every_affine_kernel_can_be_reached(constraint):
    """The map from weights onto the kernels of sum 1 is onto: its differential has rank K - 1."""
    weight = torch.randn(1, 2, 3, 3, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda w: affine_kernel(w, constraint).flatten(), weight)
    assert torch.linalg.matrix_rank(jacobian.reshape(18, 18)) == 17


def test_mean_constraint_keeps_kernels_that_already_sum_to_one():
    kernel = affine_kernel(torch.randn(3, 2, 3, 3, dtype=torch.float64), "telescope")
    torch.testing.assert_close(affine_kernel(kernel, "mean"), kernel)


def test_telescope_is_the_papers_formula():
    """w̃_i = w_{i-1} - w_i + 1/K, written out tap by tap."""
    weight = torch.randn(2, 1, 2, 2, dtype=torch.float64)
    found = affine_kernel(weight, "telescope").flatten(1)
    for o in range(2):
        taps = weight[o].flatten().tolist()
        for i in range(4):
            assert found[o, i].item() == pytest.approx(taps[(i + 3) % 4] - taps[i] + 0.25, abs=1e-12)


def test_unknown_constraint():
    with pytest.raises(ValueError, match="telescope"):
        affine_kernel(torch.zeros(1, 1, 1, 1), "sum")


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_noise_map_channel_is_free(constraint):
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64)
    kernel = affine_kernel(weight, constraint, free_channels=1)
    torch.testing.assert_close(kernel[:, :2].sum(dim=(1, 2, 3)), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(kernel[:, 2], weight[:, 2])


def test_convolution_equals_scipy_with_mirrored_borders():
    conv = AffineConv2d(1, 1, 3, padding=1).double()
    x = torch.randn(1, 1, 7, 9, dtype=torch.float64)
    expected = correlate(x[0, 0].numpy(), conv.kernel[0, 0].detach().numpy(), mode="mirror")
    torch.testing.assert_close(conv(x)[0, 0], torch.from_numpy(expected))


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_gradients(constraint):
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)

    def layer(x, w):
        return sort_pairs(torch.nn.functional.conv2d(x, affine_kernel(w, constraint)))

    assert torch.autograd.gradcheck(layer, (x, w))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**31))
def test_sort_pairs_equals_torch_sort(half, width, seed):
    x = torch.randn(2, 2 * half, width, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    x[:, 0] = x[:, half]  # ties
    expected = torch.stack((x[:, :half], x[:, half:])).sort(dim=0).values
    torch.testing.assert_close(
        sort_pairs(x), torch.cat((expected[0], expected[1]), dim=1), rtol=0, atol=1e-15
    )


def test_sort_pairs_odd_channels():
    with pytest.raises(NormeqError, match="even number of channels, got 3"):
        sort_pairs(torch.zeros(1, 3, 2, 2))


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_upsampling_passes_affine_maps_through(constraint):
    up = PixelShuffleUp(4, 2, constraint).double()
    x = torch.randn(1, 4, 3, 5, dtype=torch.float64)
    assert up(x).shape == (1, 2, 6, 10)
    torch.testing.assert_close(up(3 * x - 7), 3 * up(x) - 7)


def test_affine_residual_shares_a_shift():
    residual = AffineResidual(0.3).double()
    x, y = torch.randn(2, 1, 1, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(residual(x + 5, y + 5), residual(x, y) + 5)
    torch.testing.assert_close(residual(x, y), 0.3 * x + 0.7 * y, rtol=1e-6, atol=1e-7)
    assert [p.numel() for p in residual.parameters()] == [1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_deep_network_in_half_precision_keeps_shifts_to_its_digits(dtype):
    torch.manual_seed(0)
    network = build_network("fdncnn", "norm", depth=20, channels=32).eval().to(dtype)
    y = torch.rand(1, 1, 16, 16, dtype=dtype)
    with torch.no_grad():
        here, there = network(y), network(y + 1)
    assert ((there - here).double() - 1).abs().mean() < 8 * torch.finfo(dtype).eps


@pytest.mark.parametrize("free", [0, 1])
def test_the_projection_keeps_the_memory_format_and_is_its_own_derivative(free):
    weight = torch.randn(4, 3, 3, 2, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    kernel = affine_kernel(weight.requires_grad_(), "mean", free)
    (slope,) = torch.autograd.grad(kernel.pow(3).sum(), weight)
    for tensor in () if free else (kernel, slope):
        assert tensor.is_contiguous(memory_format=torch.channels_last)
    inside = 3 * kernel.detach()[:, : 3 - free] ** 2
    expected = inside - inside.mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(slope[:, : 3 - free], expected)
    assert torch.autograd.gradcheck(
        lambda w: affine_kernel(w, "mean", free), (weight,), check_forward_ad=True, check_batched_grad=True
    )
    assert torch.autograd.gradgradcheck(lambda w: affine_kernel(w, "mean", free).square(), (weight,))
