"""Layers and networks.

Names are imported when they are asked for: tables and figures read :mod:`normeq.nn.variants` and need no
PyTorch, which takes a second to start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normeq.nn.affine import AffineConv2d, affine_kernel
    from normeq.nn.build import ARCHITECTURES, build_network, count_parameters
    from normeq.nn.folding import FoldedForInference, fold
    from normeq.nn.residual import AffineResidual
    from normeq.nn.sort import SortPool, sort_pairs
    from normeq.nn.variants import VARIANTS, Variant, get_variant
    from normeq.nn.wrapper import NormalizationWrapper
    from normeq.nn.zero_sum import ZeroSumConv2d, zero_sum_kernel

__all__ = [
    "ARCHITECTURES",
    "VARIANTS",
    "AffineConv2d",
    "AffineResidual",
    "FoldedForInference",
    "NormalizationWrapper",
    "SortPool",
    "Variant",
    "ZeroSumConv2d",
    "affine_kernel",
    "build_network",
    "count_parameters",
    "fold",
    "get_variant",
    "sort_pairs",
    "zero_sum_kernel",
]
_MODULES = {
    "affine": ("AffineConv2d", "affine_kernel"),
    "build": ("ARCHITECTURES", "build_network", "count_parameters"),
    "folding": ("FoldedForInference", "fold"),
    "residual": ("AffineResidual",),
    "sort": ("SortPool", "sort_pairs"),
    "variants": ("VARIANTS", "Variant", "get_variant"),
    "wrapper": ("NormalizationWrapper",),
    "zero_sum": ("ZeroSumConv2d", "zero_sum_kernel"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
