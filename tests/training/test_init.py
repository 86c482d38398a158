"""Initial weights: ``unit`` keeps the energy of a signal over many layers."""

import pytest
import torch

from normeq.nn import build_network
from normeq.training.init import initialize


def energies(variant, init, constraint="mean"):
    torch.manual_seed(0)
    network = build_network("fdncnn", variant, depth=12, channels=64, constraint=constraint)
    initialize(network, init)
    found = []
    for layer in network.layers:
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(
                lambda _, __, out: found.append(out.var(dim=1, correction=0).mean().item())
            )
    with torch.no_grad():
        network(torch.randn(1, 1, 32, 32))
    return found[1:-1]


@pytest.mark.parametrize("variant", ["ordinary", "scale"])
def test_unit_keeps_energy_where_the_default_loses_it(variant):
    unit, default = energies(variant, "unit"), energies(variant, "default")
    assert 0.2 < unit[-1] / unit[0] < 5
    assert default[-1] / default[0] < 0.02


def test_unit_on_the_norm_variant():
    unit, default = energies("norm", "unit"), energies("norm", "default")
    assert unit[-1] / unit[0] > 10 * default[-1] / default[0]
    telescope = energies("norm", "unit", "telescope")
    assert 1.5**10 < telescope[-1] / telescope[0] < 2**10  # ten layers, each nearly doubles it
    assert 0.1 < unit[-1] / unit[0] < 5
