"""How DRUNet extends images whose sides are no multiples of its scales."""

import numpy as np
import pytest
import torch

from normeq.nn import build_network
from normeq.nn.drunet import _mirrored

OPTIONS = {"widths": [4, 6, 8], "blocks": 1}


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (9, 8), (13, 10)])
def test_the_margin_is_the_mirror_image(size):
    x = torch.arange(float(size[0] * size[1])).view(1, 1, *size)
    right, below = -size[1] % 8, -size[0] % 8
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="reflect")
    assert np.array_equal(_mirrored(x, right, below).numpy(), expected)


@pytest.mark.parametrize("variant", ["ordinary", "scale", "norm", "invariant"])
def test_an_image_is_denoised_as_a_part_of_its_mirror_image(variant):
    torch.manual_seed(0)
    network = build_network("drunet", variant, **OPTIONS).double().eval()
    y = torch.rand(1, 1, 21, 18, dtype=torch.float64)
    mirrored = torch.from_numpy(np.pad(y.numpy(), ((0, 0), (0, 0), (0, 3), (0, 2)), mode="reflect"))
    with torch.no_grad():
        torch.testing.assert_close(network(y), network(mirrored)[..., :21, :18], rtol=0, atol=0)


@pytest.mark.parametrize("size", [(21, 18), (3, 2)])
@pytest.mark.parametrize("variant", ["norm", "invariant"])
def test_equivariant_at_any_size(variant, size):
    torch.manual_seed(1)
    network = build_network("drunet", variant, **OPTIONS).double().eval()
    y = torch.rand(1, 1, *size, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(network(3 * y - 2), 3 * network(y) - 2, rtol=0, atol=1e-12)
