"""The rotated sort pooling against the plain one, in float64, gradients included."""

import copy

import pytest
import torch

from normeq.nn import AffineConv2d, SortPool, build_network, padding
from normeq.nn.folding import FoldedSortPool
from normeq.nn.rotated_kernel import rotate
from normeq.nn.rotation import RotatedSortPool

SMALL = {"fdncnn": {"depth": 4, "channels": 6}, "drunet": {"widths": (4, 6, 8, 8), "blocks": 1}}


def plain(network):
    """The same network as the paper writes it: unrotated kernels around plain sort pooling."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, AffineConv2d):
            module.sorted_input = module.sorted_output = False
        for name, child in module.named_children():
            if isinstance(child, RotatedSortPool):
                setattr(module, name, SortPool())
    return network


@pytest.mark.parametrize("architecture", SMALL)
@pytest.mark.parametrize("noise_map", [False, True])
def test_same_output_and_same_gradients(architecture, noise_map):
    torch.manual_seed(0)
    network = build_network(architecture, "norm", noise_map=noise_map, **SMALL[architecture]).double()
    reference = plain(network)
    assert any(isinstance(m, SortPool) for m in reference.modules())
    y = torch.randn(2, 1, 19, 22, dtype=torch.float64, requires_grad=True)
    results = []
    for net in (network, reference):
        output = net(y, 0.2)
        weight = torch.linspace(-1, 1, output.numel(), dtype=torch.float64).view_as(output)
        results.append([output, *torch.autograd.grad((output * weight).sum(), [y, *net.parameters()])])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_two_channels_by_hand():
    """A pair (a, b), rotated, activated, and taken by a kernel (low, high) of sorted channels: low·min +
    high·max."""
    pairs = torch.tensor([[3.0, -1.0], [-2.0, 5.0], [4.0, 4.0]], dtype=torch.float64)
    eye = torch.eye(2, dtype=torch.float64)[:, :, None, None]
    x = torch.nn.functional.conv2d(
        pairs[:, :, None, None].expand(-1, -1, 2, 2), rotate(eye, inputs=False, outputs=True)
    )
    kernel = torch.tensor([[0.7, 0.3]], dtype=torch.float64)[:, :, None, None]
    found = torch.nn.functional.conv2d(RotatedSortPool()(x), rotate(kernel, inputs=True, outputs=False))
    expected = 0.7 * pairs.min(dim=1).values + 0.3 * pairs.max(dim=1).values
    torch.testing.assert_close(found, expected[:, None, None, None].expand(3, 1, 4, 4))


@pytest.mark.parametrize(("inputs", "outputs"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("shape", [(4, 6), (2, 4, 3), (6, 2, 3, 2)])
def test_rotated_kernels(inputs, outputs, shape):
    """By matrices of the pairs; derivatives of every kind; in the memory format of the kernel."""
    kernel = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    first, second = (torch.eye(size // 2, dtype=torch.float64) for size in shape[:2])
    left = torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64), first) / 2**0.5
    right = torch.kron(torch.tensor([[1.0, 1.0], [-1.0, 1.0]], dtype=torch.float64), second) / 2**0.5
    expected = kernel.reshape(*shape[:2], -1)
    expected = torch.einsum("pij,qi->pqj", expected, right) if inputs else expected
    expected = torch.einsum("po,oij->pij", left, expected) if outputs else expected
    found = rotate(kernel, inputs, outputs)
    torch.testing.assert_close(found, expected.reshape(shape))
    assert torch.autograd.gradcheck(
        lambda k: rotate(k, inputs, outputs),
        (kernel.requires_grad_(),),
        check_forward_ad=True,
        check_batched_grad=True,
    )
    assert torch.autograd.gradgradcheck(lambda k: rotate(k, inputs, outputs).square(), (kernel,))
    if len(shape) == 4:
        last = kernel.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
        rotated = rotate(last, inputs, outputs)
        (slope,) = torch.autograd.grad(rotated.square().sum(), last)
        assert rotated.is_contiguous(memory_format=torch.channels_last)
        assert slope.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 1), (2, 2), (2, 3), (3, 2), (4, 5)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_of_the_activation(size, layout):
    x = torch.randn(2, 4, *size, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()
    pool = RotatedSortPool()
    assert torch.autograd.gradcheck(pool, (x,), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda x: pool(x).square(), (x,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("grad", [False, True])
def test_activation_keeps_the_memory_format(dtype, grad):
    """Fast convolutions take channels last; a layer that leaves it costs copies."""
    x = torch.randn(2, 4, 5, 6, dtype=dtype).contiguous(memory_format=torch.channels_last)
    expected = torch.nn.functional.pad(
        torch.cat((x[:, :2], x[:, 2:].abs()), dim=1), (1, 1, 1, 1), mode="reflect"
    )
    x.requires_grad_(grad)
    with torch.set_grad_enabled(grad):
        out = RotatedSortPool()(x)
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(out, expected)
    if grad:
        (gradient,) = torch.autograd.grad(out.square().sum(), x)
        assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_mirror_for_gpus_is_the_same():
    """The form for GPUs, which keeps channels last where PyTorch's own does not."""
    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    expected = padding.mirror(x)
    meta = padding.mirror(x.to("meta"))
    assert meta.shape == expected.shape
    assert meta.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(padding.mirror_by_parts(x), expected)


def test_compiled_form_is_the_same(monkeypatch):
    x = torch.randn(2, 4, 3, 3)
    eager = RotatedSortPool()(x.clone())
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(RotatedSortPool()(x), eager, rtol=0, atol=0)


@pytest.mark.parametrize("pool", [SortPool(), RotatedSortPool(), FoldedSortPool()])
@pytest.mark.parametrize("grad", [False, True])
def test_channels_of_one_image(pool, grad):
    """(C, H, W): channels are axis -3, not axis 1."""
    x = torch.randn(4, 6, 8)
    with torch.set_grad_enabled(grad):
        assert torch.equal(pool(x.clone()), pool(x[None].clone())[0])
