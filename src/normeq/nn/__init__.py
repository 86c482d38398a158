"""Layers and networks."""

from normeq.nn.affine import AffineConv2d, affine_kernel
from normeq.nn.build import ARCHITECTURES, build_network, count_parameters
from normeq.nn.fold import FoldedForInference, fold
from normeq.nn.residual import AffineResidual
from normeq.nn.sort import SortPool, sort_pairs
from normeq.nn.variants import VARIANTS, Variant, get_variant
from normeq.nn.wrapper import NormalizationWrapper

__all__ = [
    "ARCHITECTURES",
    "VARIANTS",
    "AffineConv2d",
    "AffineResidual",
    "FoldedForInference",
    "NormalizationWrapper",
    "SortPool",
    "Variant",
    "affine_kernel",
    "build_network",
    "count_parameters",
    "fold",
    "get_variant",
    "sort_pairs",
]
