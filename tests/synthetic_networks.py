"""Small untrained networks, saved as trained ones are."""

from __future__ import annotations

from pathlib import Path

import torch

from normeq.nn import build_network
from normeq.nn.weights import save_network


def save_small(file: Path, variant: str, dataset: str = "d", **training: object) -> Path:
    """Save an FDnCNN of 4 layers and 8 channels that claims to be trained at σ = 25 on ``dataset``;
    ``training`` replaces parts of that claim."""
    torch.manual_seed(1)
    description = {
        "network": {"name": "small", "architecture": "fdncnn", "depth": 4, "channels": 8},
        "variant": variant,
        "dataset": dataset,
        "sigma": 25.0,
        "seed": 0,
        "recipe": {"steps": 1},
    } | training
    network = build_network("fdncnn", variant, depth=4, channels=8)
    file.parent.mkdir(exist_ok=True)
    save_network(file, network, description)
    return file
