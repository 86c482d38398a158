"""Batch normalisation without bias, and how it is folded into the convolution before it."""

import pytest
import torch
from torch import nn

from normeq.nn import fold
from tests.nn.layers import BIAS_FREE, DIMS, PLAIN, follows, numbers


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
