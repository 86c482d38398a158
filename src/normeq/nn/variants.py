"""The one place that knows what a variant is.

============  =============================  ==========  ===============  ========
variant       convolution                    activation  residual         padding
============  =============================  ==========  ===============  ========
ordinary      conv + bias                    ReLU        x + y            zeros
scale         conv, no bias                  ReLU        x + y            zeros
norm          affine conv (kernel sums to 1) sort pairs  a·x + (1-a)·y    reflect
wrapped       the ordinary network inside  std·g((y - mean)/std) + mean
============  =============================  ==========  ===============  ========

Networks are written once against :class:`Variant` and read like the paper's figure.
Source: Herbreteau et al. 2023, sections 3-4; wrapper: Saied & Fleuret, ICML 2026.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from normeq.errors import NormeqError
from normeq.nn.affine import AffineConv2d, Constraint
from normeq.nn.residual import AffineResidual, Sum
from normeq.nn.rotation import RotatedSortPool

# What a network can be equivariant to.
CHANGES = ("scale", "shift")


class PixelShuffleUp(nn.Sequential):
    """Affine 1×1 convolution to 4·C channels, then pixel shuffle: doubles height and width."""

    def __init__(self, in_channels: int, out_channels: int, constraint: Constraint) -> None:
        super().__init__(
            AffineConv2d(in_channels, 4 * out_channels, 1, constraint=constraint), nn.PixelShuffle(2)
        )


@dataclass(frozen=True)
class Variant:
    """Building blocks of one variant; every network asks this object and nothing else."""

    name: str
    title: str
    bias: bool
    affine: bool
    wrapper: bool = False
    constraint: Constraint = "telescope"
    equivariant_to: tuple[str, ...] = ()

    @property
    def centred(self) -> bool:
        """Whether an image far from zero is denoised with its mean taken out
        (:mod:`normeq.denoisers.centring`): the network commutes with every change of range, and does not take
        the mean out itself."""
        return set(self.equivariant_to) == set(CHANGES) and not self.wrapper

    def conv(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        *,
        bias: bool = True,
        free_channels: int = 0,
        activated_input: bool = False,
        activated_output: bool = False,
    ) -> nn.Module:
        """Convolution that keeps the size at stride 1 (odd kernels) or divides it by ``stride`` (kernel =
        stride).

        ``bias=False`` drops the bias even in the ordinary variant; ``free_channels`` as in
        :class:`AffineConv2d`. ``activated_input`` and ``activated_output`` say that an activation stands
        directly before or after; the ``norm`` variant must know, because it moves half of its activation
        into the kernels (:mod:`normeq.nn.rotation`).
        """
        padding = kernel_size // 2 if stride == 1 else 0
        if self.affine:
            return AffineConv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride,
                padding,
                constraint=self.constraint,
                free_channels=free_channels,
                sorted_input=activated_input,
                sorted_output=activated_output,
            )
        return nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias and self.bias)

    def upsample(self, in_channels: int, out_channels: int) -> nn.Module:
        """Doubles height and width: 2×2 transposed convolution, or its affine counterpart."""
        if self.affine:
            return PixelShuffleUp(in_channels, out_channels, self.constraint)
        return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2, bias=self.bias)

    def activation(self) -> nn.Module:
        return RotatedSortPool() if self.affine else nn.ReLU(inplace=True)

    def residual(self) -> nn.Module:
        return AffineResidual() if self.affine else Sum()


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("ordinary", "Ordinary", bias=True, affine=False),
        Variant("scale", "Scale-equivariant", bias=False, affine=False, equivariant_to=("scale",)),
        Variant("norm", "Normalization-equivariant", bias=False, affine=True, equivariant_to=CHANGES),
        Variant("wrapped", "Wrapped ordinary", bias=True, affine=False, wrapper=True, equivariant_to=CHANGES),
    )
}


def get_variant(name: str) -> Variant:
    """Look a variant up by name.

    Raises:
        NormeqError: unknown name; the message lists the known ones.
    """
    try:
        return VARIANTS[name]
    except KeyError:
        raise NormeqError(f"unknown variant {name!r}: choose one of {', '.join(VARIANTS)}") from None
