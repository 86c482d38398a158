"""From a network's description to a module."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from normeq.errors import NormeqError
from normeq.nn.affine import check_constraint
from normeq.nn.dncnn import DnCNN
from normeq.nn.drunet import DRUNet
from normeq.nn.fdncnn import FDnCNN
from normeq.nn.ffdnet import FFDNet
from normeq.nn.plain import PlainCNN
from normeq.nn.variants import CHANGES, get_variant
from normeq.nn.wrapper import NormalizationWrapper, check_statistics

ARCHITECTURES: dict[str, type[nn.Module]] = {
    "fdncnn": FDnCNN,
    "drunet": DRUNet,
    "dncnn": DnCNN,
    "ffdnet": FFDNet,
    "plain": PlainCNN,
}


def build_network(
    architecture: str,
    variant: str,
    *,
    constraint: str = "telescope",
    statistics: str = "global",
    box: int = 49,
    **options: Any,
) -> nn.Module:
    """Build a network with PyTorch's default initialisation (seed it with :func:`torch.manual_seed`).

    Args:
        architecture: a key of :data:`ARCHITECTURES`.
        variant: a key of :data:`normeq.nn.variants.VARIANTS`.
        constraint: parameterisation of affine kernels, see :func:`normeq.nn.affine.affine_kernel`.
        statistics, box: of a wrapped network, see :class:`normeq.nn.wrapper.NormalizationWrapper`.
        options: keyword arguments of the architecture (depth, channels, noise_map, …).

    Returns:
        A module called as ``net(y)`` or ``net(y, sigma)``; y is (N, C, H, W), sigma in the units of y. Its
        attributes ``noise_map``, ``image_channels`` and ``normalization_equivariant`` say what it takes.

    Raises:
        NormeqError: unknown architecture, variant or option, each named; ``depth`` below 2; odd ``channels``
            or ``widths`` where they are sorted in pairs; the constraint ``centre`` for a network with even
            kernels (``drunet``).
    """
    if architecture not in ARCHITECTURES:
        raise NormeqError(f"unknown architecture {architecture!r}: choose one of {', '.join(ARCHITECTURES)}")
    check_constraint(constraint)
    check_statistics(statistics, box)
    cls = ARCHITECTURES[architecture]
    known = [name for name in inspect.signature(cls).parameters if name != "variant"]
    for name in options:
        if name not in known:
            raise NormeqError(f"unknown option {name!r} for {architecture}: choose from {', '.join(known)}")
    parts = replace(get_variant(variant), constraint=constraint)
    if parts.affine:
        _check_even(options)
    network = cls(parts, **options)
    if parts.wrapper:
        network = NormalizationWrapper(network, statistics, box)
    network.normalization_equivariant = set(parts.equivariant_to) == set(CHANGES)
    return network


def _check_even(options: Mapping[str, Any]) -> None:
    """Refuse an odd number of channels, at whatever scale: they are sorted in pairs.

    Raises:
        NormeqError: there is one.
    """
    numbers = {"channels": [options.get("channels", 2)], "widths": options.get("widths", ())}
    for name, given in numbers.items():
        if any(number % 2 for number in given):
            raise NormeqError(f"{name} must be even (they are sorted in pairs), got {options[name]}")


def count_parameters(network: nn.Module) -> int:
    """Number of learnable scalars."""
    return sum(p.numel() for p in network.parameters())
