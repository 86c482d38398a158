"""Initial weights."""

from __future__ import annotations

import math

import torch
from torch import nn

from normeq.nn.affine import AffineConv2d


@torch.no_grad()
def initialize(network: nn.Module, init: str) -> None:
    """Set the weights that training starts from.

    ``default`` leaves PyTorch's. They shrink what a layer passes on: to a sixth of its energy with ReLU, to a
    third with sort pooling (constraint ``mean``), which loses none itself. ``unit`` draws normal weights with
    a gain that makes up for the activation, √2 for ReLU and 1 for sort pooling, so that depth does not fade
    the signal (He et al. 2015); biases start at zero. It is meant for the constraint ``mean``:
    ``telescope`` takes differences of weights, which nearly doubles the energy at every layer, and ``centre``
    adds to it. Transposed convolutions keep PyTorch's.

    Args:
        network: changed in place.
        init: ``default`` or ``unit``.
    """
    if init == "default":
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            gain = 1.0 if isinstance(module, AffineConv2d) else math.sqrt(2)
            module.weight.normal_(0, gain / math.sqrt(module.weight[0].numel()))
            if module.bias is not None:
                module.bias.zero_()
