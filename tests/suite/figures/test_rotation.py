"""The diagram of the rotated basis is true of the layers of the library."""

import numpy as np
import torch

from normeq.nn.rotated_kernel import rotate
from normeq.nn.rotation import RotatedSortPool
from normeq.nn.sort import SortPool
from normeq.suite.figures.rotation import SHIFT, plotted


def image(columns):
    """One pair of channels, a pixel per row of the table (twice, as the layers want two rows)."""
    return torch.tensor(columns.to_numpy().T[None, :, None].repeat(2, axis=2))


def test_points_are_those_of_the_layers():
    table = plotted()
    pairs = image(table[["a", "b"]])
    sorted_pairs = SortPool()(pairs)[0, :, 0].T
    np.testing.assert_allclose(sorted_pairs, table[["min", "max"]])
    eye = torch.eye(2, dtype=torch.float64)[:, :, None, None]
    rotated = torch.nn.functional.conv2d(pairs, rotate(eye, inputs=False, outputs=True))
    np.testing.assert_allclose(rotated[0, :, 0].T, table[["s", "d"]])
    activated = RotatedSortPool()(rotated)[0, :, 1, 1:-1].T  # the library leaves the sign to the next kernel
    np.testing.assert_allclose(activated, table[["s_after", "d_after"]] * [1, -1])


def test_a_shift_reaches_s_alone():
    table = plotted()
    plain, shifted = (table[table["shift"] == shift].reset_index(drop=True) for shift in (0, SHIFT))
    for column, step in {"s": 2**0.5, "s_after": 2**0.5, "d": 0, "d_after": 0, "min": 1, "max": 1}.items():
        np.testing.assert_allclose(shifted[column] - plain[column], step * SHIFT, atol=1e-12)
