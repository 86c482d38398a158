"""Layers and networks.

Names are imported when they are asked for: tables and figures read :mod:`normeq.nn.variants` and need no
PyTorch, which takes a second to start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normeq.nn.affine import AffineConv1d, AffineConv2d, AffineConv3d, affine_kernel
    from normeq.nn.build import ARCHITECTURES, build_network, count_parameters
    from normeq.nn.folding import FoldedForInference, fold
    from normeq.nn.linear import AffineLinear
    from normeq.nn.norms import BiasFreeBatchNorm1d, BiasFreeBatchNorm2d, BiasFreeBatchNorm3d
    from normeq.nn.residual import AffineResidual
    from normeq.nn.rotation import RotatedSortPool
    from normeq.nn.sort import SortPool, sort_pairs
    from normeq.nn.transposed import (
        AffineConvTranspose1d,
        AffineConvTranspose2d,
        AffineConvTranspose3d,
        affine_transposed_kernel,
    )
    from normeq.nn.variants import VARIANTS, Variant, get_variant
    from normeq.nn.wrapper import NormalizationWrapper, wrap
    from normeq.nn.zero_sum import ZeroSumConv1d, ZeroSumConv2d, ZeroSumConv3d, zero_sum_kernel

__all__ = [
    "ARCHITECTURES",
    "VARIANTS",
    "AffineConv1d",
    "AffineConv2d",
    "AffineConv3d",
    "AffineConvTranspose1d",
    "AffineConvTranspose2d",
    "AffineConvTranspose3d",
    "AffineLinear",
    "AffineResidual",
    "BiasFreeBatchNorm1d",
    "BiasFreeBatchNorm2d",
    "BiasFreeBatchNorm3d",
    "FoldedForInference",
    "NormalizationWrapper",
    "RotatedSortPool",
    "SortPool",
    "Variant",
    "ZeroSumConv1d",
    "ZeroSumConv2d",
    "ZeroSumConv3d",
    "affine_kernel",
    "affine_transposed_kernel",
    "build_network",
    "count_parameters",
    "fold",
    "get_variant",
    "sort_pairs",
    "wrap",
    "zero_sum_kernel",
]
_MODULES = {
    "affine": ("AffineConv1d", "AffineConv2d", "AffineConv3d", "affine_kernel"),
    "build": ("ARCHITECTURES", "build_network", "count_parameters"),
    "folding": ("FoldedForInference", "fold"),
    "linear": ("AffineLinear",),
    "norms": ("BiasFreeBatchNorm1d", "BiasFreeBatchNorm2d", "BiasFreeBatchNorm3d"),
    "residual": ("AffineResidual",),
    "rotation": ("RotatedSortPool",),
    "sort": ("SortPool", "sort_pairs"),
    "transposed": (
        "AffineConvTranspose1d",
        "AffineConvTranspose2d",
        "AffineConvTranspose3d",
        "affine_transposed_kernel",
    ),
    "variants": ("VARIANTS", "Variant", "get_variant"),
    "wrapper": ("NormalizationWrapper", "wrap"),
    "zero_sum": ("ZeroSumConv1d", "ZeroSumConv2d", "ZeroSumConv3d", "zero_sum_kernel"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
