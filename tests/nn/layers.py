"""The layers in one, two and three dimensions, and what is asked of them, for the tests of layers."""

import pytest
import torch
from torch import nn

from normeq import nn as layers
from normeq.nn import SortPool
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
