"""T_{a,b} with the image's own minimum and maximum."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import normeq
from normeq.errors import NormeqError
from normeq.nn import build_network

reals = st.floats(-1e6, 1e6, allow_nan=False)


def image(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=60, deadline=None)
@given(reals, st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), reals, st.integers(0, 99))
def test_it_takes_on_both_ends_and_its_inverse_takes_it_back(a, length, scale, shift, seed):
    t, y = normeq.T(a, a + length), image(3, 1, 4, 5, seed=seed) * scale + shift
    z = t(y)
    assert (z.amin((1, 2, 3)) == t.a).all() and (z.amax((1, 2, 3)) == t.b).all()
    size = abs(a) / length + abs(shift) / scale + 1
    torch.testing.assert_close(t.inverse(z, y), y, rtol=1e-12, atol=1e-12 * scale * size)
    assert torch.equal(t(y[1]), z[1])  # each image of a batch has a range of its own


def test_it_does_not_feel_the_range_of_the_image():
    t, y = normeq.T(-100, 100), image(2, 3, 6, 7)
    torch.testing.assert_close(t(40 * y - 9), t(y))


def test_around_any_denoiser_it_is_equivariant():
    f = build_network("fdncnn", "ordinary", depth=3, channels=4).double().eval()
    y = image(2, 1, 8, 9)
    there = normeq.T(0, 1).around(f)
    torch.testing.assert_close(there(3 * y + 7), 3 * there(y) + 7)
    assert (normeq.T(0, 1).around(f)(y) - normeq.T(0, 255).around(f)(y)).abs().max() > 1e-3


def test_around_an_equivariant_denoiser_it_changes_nothing():
    f = build_network("fdncnn", "norm", depth=3, channels=4, noise_map=True).double().eval()
    y = image(2, 1, 8, 9) * torch.tensor([1.0, 50.0])[:, None, None, None]
    for a, b in ((0, 1), (0, 255), (-100, 100), (0, 0.1)):
        found = normeq.T(a, b).around(f)
        torch.testing.assert_close(found(y, 0.3), f(y, 0.3))
        torch.testing.assert_close(found(y[:1], 0.3), f(y[:1], 0.3))
        torch.testing.assert_close(found(y[1], 0.3), f(y[1], 0.3))
        levels = torch.tensor([0.1, 4.0], dtype=torch.float64)
        torch.testing.assert_close(found(y, levels), f(y, levels))
        maps = image(2, 1, 8, 9, seed=1).abs()
        torch.testing.assert_close(found(y, maps), f(y, maps))


@pytest.mark.parametrize("value", [0.0, 7.0, -1e30])
def test_constant_images(value):
    t, y = normeq.T(2, 3), torch.full((2, 1, 3, 3), value)
    y[1, 0, 1, 1] += 1 + abs(value)
    assert (t(y)[0] == 2).all() and set(t(y)[1].unique().tolist()) == {2.0, 3.0}
    assert (t.inverse(torch.rand(2, 1, 3, 3), y)[0] == value).all()
    told = []
    t.around(lambda z, sigma: told.append(sigma) or z + 5)(y[:1], 0.25)
    assert told == [0.25]


@pytest.mark.parametrize("dtype", ["u1", "i4", "f2", "f4", "f8"])
def test_arrays(dtype):
    y = (image(5, 6).numpy() * 20 + 100).astype(dtype)
    z = normeq.T(0, 1)(y)
    assert isinstance(z, np.ndarray) and z.dtype == (dtype if dtype[0] == "f" else "f8")
    assert z.min() == 0 and z.max() == 1
    np.testing.assert_allclose(normeq.T(0, 1).inverse(z.astype("f8"), y), y, rtol=1e-2)
    around = normeq.T(0, 1).around(lambda z, sigma: z + sigma)(y, 10.0)
    np.testing.assert_allclose(around, y.astype("f8") + 10, rtol=1e-2)


@pytest.mark.parametrize("kind", [">f4", ">f8", "<f2", ">u2", "i8"])
def test_arrays_of_all_strides_and_byte_orders(kind):
    array = (image(5, 6).numpy() * 20 + 100).astype(kind)
    for y in (array[::-1], array.T, array[::2, ::-3]):
        plain = np.ascontiguousarray(y).astype(array.dtype.newbyteorder("="))
        z, expected = normeq.T(0, 1)(y), normeq.T(0, 1)(plain)
        assert z.dtype == (kind if "f" in kind else "f8") and np.array_equal(z, expected)
        back = normeq.T(0, 1).around(lambda z: z[::-1])(y)
        assert np.array_equal(back, normeq.T(0, 1).around(lambda z: z[::-1])(plain))


def test_narrow_formats_neither_overflow_nor_round_twice():
    y = torch.tensor([[[-60000.0, 0.0, 60000.0]]], dtype=torch.float16)
    assert normeq.T(-1, 1)(y).flatten().tolist() == [-1, 0, 1]


def test_derivatives():
    y = image(1, 1, 2, 3).requires_grad_()
    t = normeq.T(-1, 4)
    assert torch.autograd.gradcheck(lambda y: t(y), (y,))
    assert torch.autograd.gradcheck(t.around(lambda z: z.square()), (y,))
    compiled = torch.compile(lambda y: t(y), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(y), t(y))


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 1), (0, math.inf), (math.nan, 1), (-1e308, 1e308)])
def test_empty_intervals(a, b):
    with pytest.raises(NormeqError, match="a must be smaller than b"):
        normeq.T(a, b)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (torch.zeros(1, 0, 3, 3), "at least one pixel"),
        (torch.tensor([[1.0, math.nan]]), "NaN or infinity"),
        (np.array([[1j, 2]]), "real numbers"),
        (np.array([[True, False]]), "real numbers"),
        (np.array([[1.0, None]]), "not one of object: convert it"),
        (np.array([["1", "2"]]), "not one of <U1: convert it"),
        (np.array([[1.0, 2.0]], dtype=np.longdouble), "not one of .*: convert it"),
        (np.ma.masked_greater(np.array([[0.0, 1.0], [0.5, 1000.0]]), 100), "no masked arrays: fill in"),
        (np.array([[-1.7e308, 1.7e308]]), "further apart than float64 can tell"),
        ([[1.0, 2.0]], "not list"),
    ],
)
def test_what_is_no_image(y, words):
    t = normeq.T(0, 1)
    for call in (t, lambda y: t.inverse(torch.zeros(2, 2), y), t.around(lambda z: z)):
        with pytest.raises(NormeqError, match=words) as refused:
            call(y)
        assert "\n" not in str(refused.value)
