"""One patch through both kinds of layer, in numbers small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A patch of the input and two kernels, in tenths so that a reader can add them up.
PATCH = np.array([[2, 4, 6], [1, 5, 8], [0, 3, 7]]) / 10
FREE = np.array([[[-1, 2, -3], [4, -2, -4], [1, -5, 2]], [[2, -3, 1], [-1, 6, 3], [-2, 4, 1]]]) / 10
BIAS = np.array([0.2, -0.1])
AFFINE = np.array([[[-1, 1, 3], [-2, 4, 3], [2, -3, 3]], [[1, 2, -3], [4, 5, -1], [2, -2, 2]]]) / 10
SCALE, SHIFT = 2.0, 1.0  # the change of contrast λ and brightness μ of the example


def convolve(patch: Array, kernels: Array, bias: Array | float = 0.0) -> Array:
    """One output pixel of two channels: z_k = Σ_i w_ki·x_i + b_k. ``patch`` (3, 3), ``kernels`` (2, 3, 3)."""
    return (kernels * patch).sum(axis=(1, 2)) + bias


def ordinary(patch: Array) -> tuple[Array, Array]:
    """Convolution with bias, then ReLU: the two channels before and after the activation."""
    z = convolve(patch, FREE, BIAS)
    return z, np.maximum(z, 0)


def equivariant(patch: Array) -> tuple[Array, Array]:
    """Affine convolution, then sort pooling: the two channels before and after the activation."""
    z = convolve(patch, AFFINE)
    return z, np.sort(z)


LAYERS = {"ordinary": ordinary, "norm": equivariant}


def plotted() -> pd.DataFrame:
    """The example in numbers: layer, input (x or λx + μ), channel, z, y, and expected: λ·y(x) + μ."""
    rows = []
    for name, layer in LAYERS.items():
        expected = SCALE * layer(PATCH)[1] + SHIFT
        for text, patch in (("x", PATCH), (f"{SCALE:g}x + {SHIFT:g}", SCALE * PATCH + SHIFT)):
            z, y = layer(patch)
            rows += [
                {"layer": name, "input": text, "channel": k + 1, "z": z[k], "y": y[k],
                 "expected": y[k] if text == "x" else expected[k]}
                for k in range(2)
            ]  # fmt: skip
    return pd.DataFrame(rows)
