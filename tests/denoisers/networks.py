"""A small network of every architecture and variant, whose random weights denoise nothing."""

from __future__ import annotations

import torch
from torch import nn

from normeq.nn import build_network

SMALL = {
    "fdncnn": {"depth": 4, "channels": 8},
    "drunet": {"widths": (8, 12, 16), "blocks": 1},
    "dncnn": {"depth": 4, "channels": 8},
    "ffdnet": {"depth": 3, "channels": 8, "noise_map": False},
    "plain": {"depth": 4, "channels": 8, "dilations": [1, 2, 3, 1]},
}
MISSING = {
    ("dncnn", "norm"), ("plain", "norm"),
    ("dncnn", "invariant"), ("plain", "invariant"), ("ffdnet", "invariant"),
}  # fmt: skip
KINDS = [
    (architecture, variant)
    for architecture in SMALL
    for variant in ("ordinary", "scale", "norm", "invariant", "wrapped")
    if (architecture, variant) not in MISSING
]


def small(architecture: str, variant: str, **options: object) -> nn.Module:
    """In evaluation mode, with weights that pass about as much as they get."""
    torch.manual_seed(0)
    network = build_network(architecture, variant, **SMALL[architecture] | options)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):  # no identity
                layer.running_mean.uniform_(-0.1, 0.1)
                layer.running_var.uniform_(0.5, 2.0)
    return network.eval()
