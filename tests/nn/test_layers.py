"""Layers with the arguments of torch.nn, in float64: equivariance, borders, derivatives, half precision."""

import copy
import inspect
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, grad, jacfwd, jacrev, vmap

from normeq import nn as layers
from normeq.errors import NormeqError
from normeq.nn import SortPool, affine_kernel, fold, sort_pairs
from normeq.nn.padding import pad
from normeq.nn.rotation import RotatedSortPool

DIMS = (1, 2, 3)
MODES = ("reflect", "replicate", "circular")
CONSTRAINTS = ("telescope", "mean", "centre")
AFFINE = {d: getattr(layers, f"AffineConv{d}d") for d in DIMS}
ZERO_SUM = {d: getattr(layers, f"ZeroSumConv{d}d") for d in DIMS}
TRANSPOSED = {d: getattr(layers, f"AffineConvTranspose{d}d") for d in DIMS}
PLAIN = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
PLAIN_TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BIAS_FREE = {d: getattr(layers, f"BiasFreeBatchNorm{d}d") for d in DIMS}


def numbers(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def follows(layer, x, scale=3.0, shift=-7.0, out_shift=None):
    """f(λx + μ) = λf(x) + μ; or + another shift."""
    expected = scale * layer(x) + (shift if out_shift is None else out_shift)
    torch.testing.assert_close(layer(scale * x + shift), expected, rtol=1e-10, atol=1e-10)


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


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.AffineConv2d(1, 1, 3, padding=1, padding_mode="zeros"), "'zeros' does not follow"),
        (lambda: layers.ZeroSumConv1d(1, 1, 3, padding="same", padding_mode="zeros"), "'zeros' does not"),
        (lambda: layers.AffineConvTranspose2d(1, 1, 4, 2, padding_mode="zeros"), "'zeros' does not follow"),
        (lambda: RotatedSortPool(padding_mode="zeros"), "'zeros' does not follow"),
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
        (lambda: layers.AffineConv2d(2, 2, 3, free_channels=2), "must leave one of 2 channels"),
        (lambda: layers.ZeroSumConv2d(1, 1, 1), "sums to 0 is 0"),
        (lambda: layers.build_network("drunet", "norm", constraint="centre"), "one is 2×2"),
        (lambda: SortPool()(torch.zeros(1, 3, 4, 4)), "even number of channels, got 3"),
        (lambda: SortPool(1, odd="pass")(torch.zeros(1, 1, 4)), "even number of channels, got 1"),
        (lambda: RotatedSortPool(1)(torch.zeros(1, 3, 4)), "even number of channels, got 3"),
        (lambda: layers.BiasFreeBatchNorm2d(1)(torch.zeros(1, 1, 2)), "takes .N, C, …. of 4 axes"),
    ],
)
def test_what_cannot_be_had_is_one_line(make, words):
    with pytest.raises(NormeqError, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)


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


def small(dims, kind):
    """A layer of a kind, with an input for it."""
    torch.manual_seed(0)
    mode = MODES[dims % 3]
    size = (4, 3, 2)[:dims]
    made = {
        "affine": lambda: AFFINE[dims](
            2, 2, 3, 2, 2, groups=2, padding_mode=mode, constraint=CONSTRAINTS[dims % 3]
        ),
        "zero sum": lambda: ZERO_SUM[dims](2, 2, 3, padding="same", padding_mode=mode),
        "transposed": lambda: TRANSPOSED[dims](2, 2, 3, 2, 1, 1, padding_mode=mode),
        "linear": lambda: nn.Sequential(layers.AffineLinear(size[-1], 2), SortPool(0)),
        "sort": lambda: nn.Sequential(AFFINE[dims](2, 3, 1), SortPool(dims, odd="pass")),
        "rotated": lambda: nn.Sequential(
            AFFINE[dims](2, 4, 1, sorted_output=True),
            RotatedSortPool(dims, 1, mode),
            AFFINE[dims](4, 1, 3, padding=1, padding_mode=mode, sorted_input=True),
        ),
        "bias-free": lambda: BIAS_FREE[dims](2).eval(),
    }[kind]
    return made().double(), numbers(2, 2, *size, seed=3)


KINDS = ("affine", "zero sum", "transposed", "linear", "sort", "rotated", "bias-free")
each = pytest.mark.parametrize(("dims", "kind"), [(d, k) for d in DIMS for k in KINDS])


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


def test_wide_kernels_in_half_precision_sum_to_one():
    conv = layers.AffineConv3d(64, 2, 3, constraint="centre").to(torch.bfloat16)
    assert conv.kernel.dtype == torch.float32
    assert (conv.kernel.flatten(1).sum(1) - 1).abs().max() < 1e-5


@pytest.mark.parametrize("dims", DIMS)
def test_bias_free_batch_normalisation(dims):
    """That of PyTorch with mean, running mean and bias at 0; equivariant to scale."""
    ours, theirs = BIAS_FREE[dims](3).double(), getattr(nn, f"BatchNorm{dims}d")(3).double()
    x = numbers(4, 3, *(3, 2, 2)[:dims])
    centred = x - x.mean(dim=(0, *range(2, x.ndim)), keepdim=True)
    torch.testing.assert_close(ours(centred), theirs(centred))
    ours.eval()
    follows(ours, x, shift=0.0)
    with torch.no_grad():
        ours.weight.copy_(numbers(3))
    gain = ours.weight * torch.rsqrt(ours.running_var + ours.eps)
    torch.testing.assert_close(ours(x), x * gain.view(-1, *[1] * dims))
    assert set(ours.state_dict()) == {"weight", "running_var"}


def test_folding_takes_batch_normalisation_of_any_dimension_along():
    for dims in DIMS:
        for kind in (BIAS_FREE, {d: getattr(nn, f"BatchNorm{d}d") for d in DIMS}):
            network = nn.Sequential(PLAIN[dims](2, 3, 1), kind[dims](3)).double()
            network(numbers(5, 2, *[3] * dims))
            if kind is BIAS_FREE:
                network[0].bias = None
            network.eval()
            folded, x = fold(network), numbers(2, 2, *[3] * dims)
            assert isinstance(folded[1], nn.Identity)
            torch.testing.assert_close(folded(x), network(x).detach())


class OutOfOrder(nn.Module):
    """Registers a normalisation behind a convolution that it does not follow."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x):
        return self.conv(self.norm(x))


def test_folding_joins_only_what_runs_one_after_the_other():
    network = OutOfOrder().double()
    network(numbers(3, 1, 4, 4) + 2)
    network.eval()
    x = numbers(1, 1, 4, 4)
    torch.testing.assert_close(fold(network)(x), network(x).detach())


def test_sort_pairs_of_features():
    x = torch.tensor([[3.0, 1.0, 2.0, 5.0]])
    assert sort_pairs(x, dim=-1).tolist() == [[2.0, 1.0, 3.0, 5.0]]
