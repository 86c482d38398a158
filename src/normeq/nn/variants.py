"""The one place that knows what a variant is.

============  =================================================  ==========  =============  ========
variant       convolution                                        activation  residual       padding
============  =================================================  ==========  =============  ========
ordinary      conv + bias                                        ReLU        x + y          zeros
scale         conv, no bias                                      ReLU        x + y          zeros
norm          affine conv (kernel sums to 1)                     sort pairs  a·x + (1-a)·y  reflect
wrapped       the ordinary network inside
              std·g((y - mean)/std) + mean
invariant     y - g(y); g as scale, its first kernels sum to 0
              on a mirrored image
============  =================================================  ==========  =============  ========

Networks are written once against :class:`Variant` and read like the paper's figure. Tables, figures, report
and config take its names, colours and the like from here too, so that a further variant is one more entry of
:data:`VARIANTS`; they need no PyTorch, which is therefore imported where parts are built.
Source: Herbreteau et al. 2023, sections 3-4; wrapper: Saied & Fleuret, ICML 2026; ``invariant``: ours, see
docs/method.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from normeq.errors import NormeqError

if TYPE_CHECKING:
    from torch import nn

    from normeq.nn.affine import Constraint

# What a network can be equivariant to, and what is tried in tuning where it is not.
CHANGES = ("scale", "shift")

_ADAM = {"optimizer": "adam", "lr": 1e-4, "schedule": "constant", "batch": 128, "patch": 70}


@dataclass(frozen=True)
class Variant:
    """One variant: its building blocks, for networks, and its facts, for everything that shows results.

    Attributes:
        name: key in configs, tables and names of runs.
        label: as tables and figures print it.
        colour: ``#RRGGBB``, of the palette of Okabe & Ito, which colour-blind readers tell apart too.
        marker: of Matplotlib.
        equivariant_to: which of :data:`CHANGES` the networks commute with.
        padding: what its convolutions see beyond the border, in words.
        published_recipe: fields of :class:`normeq.training.spec.Recipe`, the published schedule.
        published_names: paper (as in ``data/published``) to the name under which it lists this variant.
        bias: whether convolutions have biases.
        affine: affine convolutions, sort pooling and affine residual connections.
        zero_sum: the kernels of the first layer sum to 0, and the network gives y - g(y).
        wrapper: put into a :class:`normeq.nn.wrapper.NormalizationWrapper`.
        constraint: see :func:`normeq.nn.affine.affine_kernel`.
    """

    name: str
    label: str
    colour: str
    marker: str
    equivariant_to: tuple[str, ...]
    padding: str = "zeros"
    published_recipe: Mapping[str, Any] = field(default_factory=dict, hash=False)
    published_names: Mapping[str, str] = field(default_factory=dict, hash=False)
    bias: bool = False
    affine: bool = False
    zero_sum: bool = False
    wrapper: bool = False
    constraint: Constraint = "telescope"

    @property
    def tuned(self) -> tuple[str, ...]:
        """Which of :data:`CHANGES` an input can be tuned by: tuning changes nothing where the network is
        equivariant to it."""
        return tuple(change for change in CHANGES if change not in self.equivariant_to)

    @property
    def centred(self) -> bool:
        """Whether an image far from zero is denoised with its mean taken out
        (:mod:`normeq.equivariance.centring`): the network commutes with every change of range, and does not
        take the mean out itself."""
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
        from_image: bool = False,
        activated_input: bool = False,
        activated_output: bool = False,
    ) -> nn.Module:
        """Convolution that keeps the size at stride 1 (odd kernels) or divides it by ``stride`` (kernel =
        stride).

        ``bias=False`` drops the bias even in the ordinary variant; ``free_channels`` as in
        :class:`AffineConv2d`. ``from_image`` marks the first layer, whose input is the image (and a noise
        map). ``activated_input`` and ``activated_output`` say that an activation stands directly before or
        after; the ``norm`` variant must know, because it moves half of its activation into the kernels
        (:mod:`normeq.nn.rotation`).
        """
        from torch import nn

        from normeq.nn.affine import AffineConv2d
        from normeq.nn.zero_sum import ZeroSumConv2d

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
        if self.zero_sum and from_image:
            return ZeroSumConv2d(
                in_channels, out_channels, kernel_size, stride, padding, free_channels=free_channels
            )
        return nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias and self.bias)

    def upsample(self, in_channels: int, out_channels: int) -> nn.Module:
        """Doubles height and width: 2×2 transposed convolution, or its affine counterpart."""
        from torch import nn

        from normeq.nn.affine import PixelShuffleUp

        if self.affine:
            return PixelShuffleUp(in_channels, out_channels, self.constraint)
        return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2, bias=self.bias)

    def activation(self) -> nn.Module:
        """ReLU, or sort pooling."""
        from torch import nn

        from normeq.nn.rotation import RotatedSortPool

        return RotatedSortPool() if self.affine else nn.ReLU(inplace=True)

    def residual(self) -> nn.Module:
        """Joins two feature maps: the sum, or its affine form."""
        from normeq.nn.residual import AffineResidual, Sum

        return AffineResidual() if self.affine else Sum()


# In the order of tables and legends. What was published of them: the recipes by Saied & Fleuret 2026 (Table 4
# and repository), who trained ordinary, scale and norm as Herbreteau et al. 2023 did; nobody has published
# `invariant`, which takes that of `norm`.
VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant(
            name="ordinary",
            label="ordinary",
            colour="#D55E00",
            marker="o",
            equivariant_to=(),
            published_recipe=_ADAM | {"loss": "l1", "steps": 500_000},
            published_names={"Herbreteau2023": "ordinary", "Mohan2020": "bias", "Saied2026": "baseline"},
            bias=True,
        ),
        Variant(
            name="scale",
            label="scale-equivariant",
            colour="#0072B2",
            marker="s",
            equivariant_to=("scale",),
            published_recipe=_ADAM | {"loss": "l1", "steps": 500_000},
            published_names={
                "Herbreteau2023": "scale-equiv",
                "Mohan2020": "bias-free",
                "Saied2026": "scale-equiv",
            },
        ),
        Variant(
            name="norm",
            label="normalization-equivariant",
            colour="#009E73",
            marker="D",
            equivariant_to=("scale", "shift"),
            padding="mirrored",
            published_recipe=_ADAM | {"loss": "mse", "steps": 900_000},
            published_names={"Herbreteau2023": "norm-equiv", "Saied2026": "norm-equiv"},
            affine=True,
        ),
        Variant(
            name="wrapped",
            label="wrapped ordinary",
            colour="#CC79A7",
            marker="^",
            equivariant_to=("scale", "shift"),
            published_recipe=_ADAM
            | {"loss": "mse", "steps": 900_000, "schedule": "halve", "halve_every": 100_000},
            published_names={"Saied2026": "wne"},
            bias=True,
            wrapper=True,
        ),
        Variant(
            name="invariant",
            label="invariant residual",
            colour="#56B4E9",
            marker=">",
            equivariant_to=("scale", "shift"),
            padding="mirrored at the first layer, then zeros",
            published_recipe=_ADAM | {"loss": "mse", "steps": 900_000},
            zero_sum=True,
        ),
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


def names_in(paper: str) -> dict[str, str]:
    """Our name of each variant that a paper (as in ``data/published``) lists, to its name there."""
    return {v.name: v.published_names[paper] for v in VARIANTS.values() if paper in v.published_names}
