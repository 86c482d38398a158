"""Arrays of any type, shape and order of axes come back as they were; integers are clipped."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from normeq.denoisers.denoise import denoise
from tests.denoisers.networks import small

NORM = small("fdncnn", "norm")
COLOUR = small("fdncnn", "norm", image_channels=3)


def size_of(x):
    return float(np.abs(np.asarray(x)).max())


DTYPES = ["u1", "i1", "<u2", ">u2", "<i2", ">i2", "u4", "i4", "u8", "i8", "f2", "<f4", ">f4", "f8"]
TORCH = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16] + [
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES + TORCH), size=st.tuples(st.integers(1, 9), st.integers(5, 9)),
    leading=st.lists(st.integers(1, 3), max_size=2), channel_axis=st.integers(-3, 2) | st.none(),
    colour=st.booleans(), order=st.sampled_from("CF"),
)  # fmt: skip
def test_type_and_shape_come_back(dtype, size, leading, channel_axis, colour, order):
    """And every image, and every channel for a gray network, is denoised by itself."""
    network = COLOUR if colour and channel_axis is not None else NORM
    shape = [*leading, *size]
    if channel_axis is not None:
        axis = channel_axis % 3 if channel_axis >= 0 else channel_axis
        channel_axis = min(axis, len(shape)) if axis >= 0 else axis
        where = channel_axis if channel_axis >= 0 else len(shape) + 1 + channel_axis
        shape.insert(where, 3)
    values = np.random.default_rng(3).random(shape) * 100
    if isinstance(dtype, torch.dtype):
        y = torch.from_numpy(values).to(dtype)
        before, single = y.clone(), lambda a: np.asarray(a.double())
    else:
        y = np.asarray(values, dtype=dtype, order=order)
        before, single = y.copy(), lambda a: np.asarray(a, dtype=np.float64)
    output = denoise(y, network, channel_axis=channel_axis)
    assert type(output) is type(y) and output.dtype == y.dtype and output.shape == y.shape
    assert bool((y == before).all())
    if channel_axis is None:
        pairs = zip(single(y).reshape(-1, 1, *size), single(output).reshape(-1, 1, *size), strict=True)
    else:
        moved = [np.moveaxis(single(a), channel_axis, -3) for a in (y, output)]
        step = 3 if network is COLOUR else 1
        pairs = zip(*(a.reshape(-1, step, *a.shape[-2:]) for a in moved), strict=True)
    tolerance = (
        1.0 if not (y.is_floating_point() if isinstance(y, torch.Tensor) else y.dtype.kind == "f") else 0.5
    )
    for one, found in pairs:
        with torch.no_grad():
            expected = network(torch.from_numpy(one).float()[None])[0].numpy()
        expected = np.clip(expected, *_limits(y.dtype))
        assert size_of(expected - found) <= tolerance


def _limits(dtype):
    if isinstance(dtype, torch.dtype):
        return (
            (-np.inf, np.inf) if dtype.is_floating_point else (torch.iinfo(dtype).min, torch.iinfo(dtype).max)
        )
    return (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)


def doubled(noisy):
    return 2 * noisy


doubled.normalization_equivariant = True


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (np.array([[100, 200]], np.uint8), [[200, 255]]),
        (np.array([[-100, 60]], np.int8), [[-128, 120]]),
        (np.array([[40000, 7]], ">u2"), [[65535, 14]]),
        (np.array([[2**52, -(2**52)]], np.int64), [[2**53, -(2**53)]]),
        (np.array([[40000.0, -1.0]], np.float16), [[np.inf, -2.0]]),
        (np.array([[-3.5, 0.25]]), [[-7, 0.5]]),
        (torch.tensor([[100, 200]], dtype=torch.uint8), [[200, 255]]),
        (torch.tensor([[40000, 7]], dtype=torch.uint16), [[65535, 14]]),
    ],
)
def test_integers_are_clipped_and_floats_are_not(given_, expected):
    output = denoise(given_, doubled)
    assert output.dtype == given_.dtype and output.tolist() == expected
