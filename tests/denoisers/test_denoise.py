"""normeq.denoise: any range, any network, one line for what is wrong."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import normeq
from normeq.denoisers.denoise import denoise
from normeq.errors import NormeqError
from normeq.nn import AffineConv2d, NormalizationWrapper, fold
from tests.denoisers.networks import KINDS, small

EQUIVARIANT = [kind for kind in KINDS if kind[1] in ("norm", "invariant", "wrapped")]
OTHERS = [kind for kind in KINDS if kind[1] in ("ordinary", "scale")]
NORM = small("fdncnn", "norm")
NOISE_MAP = small("fdncnn", "norm", noise_map=True)
ORDINARY = small("fdncnn", "ordinary")
COLOUR = small("fdncnn", "norm", image_channels=3)
IMAGE = np.random.default_rng(0).random((24, 31))


def size_of(x):
    return float(np.abs(np.asarray(x)).max())


def test_it_is_the_network():
    y = IMAGE.astype(np.float32)
    with torch.no_grad():
        expected = fold(NORM)(torch.from_numpy(y)[None, None])[0, 0].numpy()
    assert np.array_equal(denoise(y, NORM), expected)


def test_it_is_public_and_light():
    code = "import sys, normeq; assert 'torch' not in sys.modules; print(normeq.denoise.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "denoise"
    with pytest.raises(AttributeError):
        normeq.nothing  # noqa: B018


def test_arrays_need_no_more_than_the_core():
    """torch, NumPy and safetensors, and nothing of the suite."""
    code = (
        "import sys\n"
        "for name in 'PIL tifffile yaml typer rich scipy pandas skimage matplotlib pydantic'.split():\n"
        "    sys.modules[name] = None\n"
        "import numpy, normeq\n"
        "normeq.denoise(numpy.ones((4, 5)))\n"
        "assert not [name for name in sys.modules if name.startswith('normeq.suite')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("architecture", "variant"), EQUIVARIANT)
@settings(max_examples=15, deadline=None)
@given(scale=st.floats(-200, 200), shift=st.floats(-1e6, 1e6))
def test_any_range(architecture, variant, scale, shift):
    """λy + μ with λ = 10^-200 … 10^200 and |μ| up to a million times λ."""
    network, scale = small(architecture, variant), 10.0**scale
    expected = denoise(IMAGE, network)
    output = denoise((IMAGE + shift) * scale, network) / scale - shift
    # What is left is the rounding of float64 itself at that offset, and of the network.
    assert size_of(output - expected) < 2e-5 + 1e-14 * abs(shift)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(-30, 30), shift=st.floats(-1e6, 1e6), sigma=st.floats(0, 1))
def test_sigma_is_in_the_units_of_the_image(scale, shift, sigma):
    scale = 10.0**scale
    expected = denoise(IMAGE, NOISE_MAP, sigma=sigma)
    output = denoise((IMAGE + shift) * scale, NOISE_MAP, sigma=sigma * scale) / scale - shift
    assert size_of(output - expected) < 2e-5 + 1e-14 * abs(shift)


@pytest.mark.parametrize(("architecture", "variant"), OTHERS)
@settings(max_examples=10, deadline=None)
@given(scale=st.floats(-30, 30), shift=st.floats(-1e6, 1e6))
def test_a_range_that_is_declared(architecture, variant, scale, shift):
    network, scale = small(architecture, variant), 10.0**scale
    with torch.no_grad():
        expected = network(torch.from_numpy(IMAGE).float()[None, None])[0, 0].numpy()
    lowest, highest = shift * scale, (shift + 1) * scale
    output = denoise((IMAGE + shift) * scale, network, range=(lowest, highest)) / scale - shift
    assert size_of(output - expected) < 2e-5 + 1e-14 * abs(shift)


def test_a_range_changes_nothing_for_an_equivariant_network():
    assert np.array_equal(denoise(IMAGE, NORM, range=(-7, 3)), denoise(IMAGE, NORM))


def test_far_from_zero_in_float32_integers_and_halves():
    """Trained weights at σ = 25, offsets of 10⁴ to 10¹⁰ times the contrast: nothing is lost but the digits of
    the format."""
    rng = np.random.default_rng(1)
    clean = np.add.outer(np.sin(np.arange(40) / 7), np.cos(np.arange(48) / 5)) * 50 + 100
    noisy = clean + rng.normal(0, 25, clean.shape)
    near = denoise(noisy)
    assert np.mean((near - clean) ** 2) < np.mean((noisy - clean) ** 2) / 4
    counts = np.rint(noisy)
    expected = denoise(counts)
    for offset, dtype in ((10_000_000, np.int32), (2_000_000_000_000, np.int64), (1_000_000, np.float32)):
        output = denoise((counts + offset).astype(dtype), "fdncnn-norm-sigma25").astype(np.float64) - offset
        assert np.abs(output - expected).max() <= 0.51, dtype
    assert np.abs(denoise(noisy + 1e9) - 1e9 - near).max() < 1e-3


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, ">i8", torch.int64])
def test_integers_that_float64_does_not_hold_are_refused(dtype):
    """Not denoised from what is left of them; 32-bit integers and those below 2^53 are."""
    counts = np.random.default_rng(0).integers(0, 100, (12, 12))
    network = small("fdncnn", "norm")

    def there(offset):
        whole = counts + offset
        return torch.from_numpy(whole) if isinstance(dtype, torch.dtype) else whole.astype(dtype)

    expected = np.asarray(denoise(counts.astype(np.int32), network))
    for offset in (2**40, 2**53 - 100):
        found = np.asarray(denoise(there(offset), network))
        assert np.abs(found.astype(np.int64) - offset - expected).max() <= 1
    for offset in (2**53, 2**60, *([-(2**60)] if dtype != np.uint64 else [])):
        with pytest.raises(NormeqError, match="beyond 2.53, .*: subtract an offset first") as refused:
            denoise(there(offset), network)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [0, 5, -3.25, 1e30, 1e-30, 65504.0])
@pytest.mark.parametrize(("architecture", "variant"), EQUIVARIANT)
def test_constant_images_come_back(architecture, variant, value):
    y = np.full((9, 12), value)
    assert size_of(denoise(y, small(architecture, variant)) - y) <= 1e-6 * abs(value)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 1), (3, 300)])
@pytest.mark.parametrize(("architecture", "variant"), KINDS)
def test_thin_images(architecture, variant, shape):
    y = np.random.default_rng(0).random(shape)
    output = denoise(y, small(architecture, variant), range=(0, 1))
    assert output.shape == shape and np.isfinite(output).all()


def test_eight_bits_have_their_range():
    y = (IMAGE * 255).astype(np.uint8)
    assert np.array_equal(denoise(y, ORDINARY), denoise(y, ORDINARY, range=(0, 255)))
    assert not np.array_equal(denoise(y, ORDINARY), denoise(y, ORDINARY, range=(0, 200)))


def test_functions():
    def blur(noisy, sigma):
        assert noisy.dtype == np.float32 and noisy.ndim == 2
        return noisy * 0 + sigma

    stack = np.stack([IMAGE, IMAGE])
    output = denoise(stack, blur, sigma=50, range=(0, 200))
    assert np.allclose(output, 50)
    named = denoise(stack, "normeq.classical:median", sigma=1, range=(0, 1))
    assert named.shape == stack.shape


def test_a_file_of_ones_own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "def half(noisy):\n    return noisy / 2\nhalf.normalization_equivariant = True\nnothing = 3\n"
    )
    assert np.allclose(denoise(IMAGE, f"{file}:half"), IMAGE / 2)
    with pytest.raises(NormeqError, match="is no function"):
        denoise(IMAGE, f"{file}:nothing")


class Told(nn.Module):
    """A user's network that can be told σ."""

    normalization_equivariant, halo = True, 0

    def forward(self, y, sigma=None):
        return y if sigma is None else y + sigma


def test_modules_of_ones_own():
    network = Told().eval()
    assert np.allclose(denoise(IMAGE, network), IMAGE)
    assert np.allclose(denoise(IMAGE * 8, network, sigma=2), IMAGE * 8 + 2)
    big = np.random.default_rng(0).random((160, 170))
    assert np.array_equal(denoise(big, network, tile=16), denoise(big, network))


class Level(nn.Module):
    """A network of a user's own that is told the noise level in its own way."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, y, sigma):
        return self.conv(y) * (1 - sigma.reshape(-1, 1, 1, 1) if sigma.ndim == 1 else 1 - sigma)


class LevelByKeyword(Level):
    def forward(self, y, *, sigma):
        return super().forward(y, sigma)


class Turned(nn.Module):
    def forward(self, y):
        return y.mT


class Nothing(nn.Module):
    def forward(self, y):
        return y / 0


@pytest.mark.parametrize("make", [Level, LevelByKeyword])
def test_gradients_go_the_way_of_the_numbers(make):
    network, y = make().eval(), torch.rand(9, 11, requires_grad=True)
    options = {"sigma": 0.1, "range": (0, 1)}
    output = denoise(y, network, gradients=True, **options)
    torch.testing.assert_close(output, denoise(y.detach(), network, **options), rtol=1e-5, atol=1e-6)
    assert torch.autograd.grad(output.sum(), y)[0].abs().min() > 0
    two = nn.Sequential(nn.Conv2d(2, 1, 3, padding=1)).eval()  # the level as a second channel
    torch.testing.assert_close(
        denoise(y, two, gradients=True, **options), denoise(y.detach(), two, **options), rtol=1e-5, atol=1e-6
    )


def test_gradients_of_what_is_no_image_are_refused():
    y = torch.rand(10, 12)
    for network, words in (
        (Turned(), r"returned shape \(1, 1, 12, 10\)"),
        (Nothing(), "gave NaN or infinity"),
    ):
        with pytest.raises(NormeqError, match=words):
            denoise(y, network.eval(), range=(0, 1), gradients=True)
    with torch.inference_mode(), pytest.raises(NormeqError, match="inference_mode has none"):
        denoise(y, NORM, gradients=True)


@pytest.mark.parametrize("local", [False, True])
def test_a_wrapper_is_what_it_is_made_to_be(local):
    class Own(NormalizationWrapper):
        def forward(self, y, sigma=None):
            return super().forward(y, sigma) * 0

    inside, statistics = small("fdncnn", "ordinary"), "local" if local else "global"
    hooked = normeq.wrap(inside, statistics, box=5)
    hooked.register_forward_hook(lambda module, given, output: output * 0)
    for network in (hooked, Own(inside, statistics, 5).eval()):
        assert not denoise(IMAGE, network, range=(0, 1)).any()


@pytest.mark.parametrize("statistics", ["global", "local"])
def test_a_wrapped_network_of_ones_own_is_told_the_level(statistics):
    network, plain = (
        normeq.wrap(Level().eval(), statistics, box=5),
        normeq.wrap(nn.Identity().eval(), statistics),
    )
    assert not np.allclose(denoise(IMAGE, network, sigma=0.1), denoise(IMAGE, network, sigma=0.2))
    with pytest.raises(NormeqError, match="non-blind: give sigma"):
        denoise(IMAGE, network)
    with pytest.raises(NormeqError, match="blind and takes no sigma"):
        denoise(IMAGE, plain, sigma=0.1)


def test_a_single_layer_denoises_too():
    layer = AffineConv2d(1, 1, 3, padding=1).eval()
    with torch.no_grad():
        expected = layer(torch.from_numpy(IMAGE).float()[None, None])[0, 0].numpy()
    assert np.allclose(denoise(IMAGE, layer, range=(0, 1)), expected, atol=1e-5)
    assert denoise(IMAGE, normeq.wrap(layer)).shape == IMAGE.shape


@pytest.mark.parametrize("said", [{"halo": -2}, {"halo": 2, "multiple": 0}, {"halo": 2.5}])
def test_a_reach_that_cannot_be_is_none(said):
    def function(array):
        return array

    vars(function).update(said)
    assert np.allclose(denoise(IMAGE, function, range=(0, 1)), IMAGE, atol=1e-6)
    with pytest.raises(NormeqError, match="tile"):
        denoise(IMAGE, function, range=(0, 1), tile=8)


def test_gradients_where_asked_for():
    y = torch.rand(2, 9, 10, dtype=torch.float64, requires_grad=True)
    assert not denoise(y, NORM).requires_grad
    output = denoise(y, NORM, gradients=True)
    assert output.shape == y.shape and torch.allclose(output, denoise(y, NORM), atol=1e-6)
    (found,) = torch.autograd.grad(output.sum(), y)
    # f(y + c) = f(y) + c: the derivatives of each image sum to its pixels.
    assert found.sum().item() == pytest.approx(180, rel=1e-4)
    far = torch.autograd.grad(denoise(y * 3 + 1e4, NORM, gradients=True).sum(), y)[0] / 3
    assert torch.allclose(far, found, atol=1e-3)
    wrapped = denoise(y, small("fdncnn", "wrapped"), gradients=True)
    assert torch.autograd.grad(wrapped.sum(), y)[0].sum().item() == pytest.approx(180, rel=1e-4)
    colour = torch.rand(9, 10, 3, requires_grad=True)
    output = denoise(colour, COLOUR, channel_axis=-1, gradients=True)
    assert torch.allclose(output, denoise(colour, COLOUR, channel_axis=-1), atol=1e-5)


def test_progress_ends_at_one():
    seen = []
    denoise(np.random.default_rng(0).random((2, 160, 170)), NORM, tile=64, progress=seen.append)
    assert len(seen) == 18 and seen == sorted(seen) and seen[-1] == 1


class Stripes(nn.Module):
    def forward(self, y):
        return y


@pytest.mark.parametrize(
    ("image", "options", "words"),
    [
        (IMAGE.astype(bool), {}, "image of bool"),
        (IMAGE.astype(complex), {}, "image of complex128"),
        (IMAGE.astype(np.longdouble), {}, "convert it"),
        (np.array([["a", "b"]]), {}, "convert it"),
        (torch.ones(4, 5, dtype=torch.bool), {}, "image of torch.bool"),
        (IMAGE.tolist(), {}, "not list"),
        (np.ma.masked_less(IMAGE, 0.5), {}, "masked"),
        (IMAGE[0], {}, "got shape (31,)"),
        (np.zeros((0, 5)), {}, "no pixels"),
        (np.zeros((0, 5, 5)), {}, "no pixels"),
        (np.where(IMAGE > 0.9, np.nan, IMAGE), {}, "NaN or infinite"),
        (np.array([[1, np.inf]]), {}, "1 pixels are NaN or infinite"),
        (IMAGE, {"sigma": 3}, "is blind"),
        (IMAGE, {"network": NOISE_MAP}, "give sigma, in the units of the image"),
        (IMAGE, {"network": NOISE_MAP, "sigma": -1}, "sigma must be"),
        (IMAGE, {"network": NOISE_MAP, "sigma": np.nan}, "sigma must be"),
        (IMAGE, {"network": NOISE_MAP, "sigma": "a"}, "sigma must be"),
        (IMAGE, {"network": NOISE_MAP, "sigma": [1, 2]}, "sigma must be"),
        (IMAGE, {"network": ORDINARY}, "give range=(lo, hi)"),
        (IMAGE.astype(np.uint16), {"network": ORDINARY}, "a uint16 image"),
        (IMAGE, {"network": ORDINARY, "range": (1, 1)}, "lo < hi"),
        (IMAGE, {"network": ORDINARY, "range": 5}, "lo < hi"),
        (IMAGE, {"range": (0, np.inf)}, "lo < hi"),
        (IMAGE, {"network": "none"}, "no trained network is called 'none'"),
        (IMAGE, {"network": "no.py:f"}, "cannot load no.py:f"),
        (IMAGE, {"network": 3}, "not a int"),
        (IMAGE, {"network": nn.Identity}, "name an instance"),
        (IMAGE, {"network": nn.Conv2d(1, 1, 3)}, "eval()"),
        (IMAGE, {"network": nn.Conv2d(1, 1, 3).eval(), "range": (0, 1)}, "returned shape"),
        (IMAGE, {"network": nn.Conv2d(1, 1, 3, padding=1)}, "training mode"),
        (IMAGE, {"network": lambda y: y * np.nan, "range": (0, 1)}, "gave NaN"),
        (IMAGE, {"network": lambda y: [1], "range": (0, 1)}, "returned shape"),
        (IMAGE, {"network": lambda y: "x", "range": (0, 1)}, "not an array of real numbers"),
        (IMAGE, {"network": Stripes().eval(), "range": (0, 1), "tile": 64}, "attribute halo"),
        (IMAGE, {"tile": 0}, "tile must be"),
        (IMAGE, {"tile": "big"}, "tile must be"),
        (IMAGE, {"tile": 3.5}, "tile must be"),
        (IMAGE, {"device": "abacus"}, "unknown device"),
        (IMAGE, {"network": COLOUR}, "takes images of 3 channels"),
        (np.zeros((8, 8, 4)), {"network": COLOUR, "channel_axis": -1}, "has 4"),
        (np.zeros((8, 8, 3)), {}, "give channel_axis=-1"),
        (IMAGE, {"channel_axis": 0}, "no axis of channels"),
        (np.zeros((3, 8, 8)), {"channel_axis": 3}, "no axis of channels"),
        (np.zeros((3, 8, 8)), {"channel_axis": "x"}, "channel_axis must be"),
        (IMAGE, {"gradients": True}, "gradients"),
        (torch.ones(5, 5, dtype=torch.int32), {"gradients": True}, "gradients"),
        (torch.ones(5, 5), {"gradients": True, "tile": 3}, "leave tile out"),
    ],
)  # fmt: skip
def test_one_line_for_what_is_wrong(image, options, words):
    with pytest.raises(NormeqError) as caught:
        denoise(image, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_one_line_where_memory_runs_out():
    def hungry(noisy):
        raise MemoryError

    with pytest.raises(NormeqError, match="out of memory on this machine"):
        denoise(IMAGE, hungry, range=(0, 1))
