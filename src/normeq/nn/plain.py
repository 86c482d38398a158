"""A plain stack of convolutions in the forms that DnCNN, FDnCNN and IRCNN have in other code bases."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.depth import check_depth
from normeq.nn.inputs import takes_images
from normeq.nn.noise_map import append_noise_map
from normeq.nn.norms import BiasFreeBatchNorm2d
from normeq.nn.variants import Variant


class OutsideBatchNorm2d(BiasFreeBatchNorm2d):
    """Bias-free batch normalisation that divides by √variance + ε, with ε outside the root, as the code of
    Mohan et al. does."""

    def gain(self, variance: Tensor) -> Tensor:
        return self.weight / (torch.sqrt(variance) + self.eps)


class PlainCNN(nn.Module):
    """Convolutions of 3×3 with ReLU between them, zeros around the image.

    ======  ===================================================================================
    DnCNN   ``residual``, with ``batch_norm`` or, where it is folded into the kernels, without
    FDnCNN  no ``residual``, ``noise_map``; unlike :class:`normeq.nn.fdncnn.FDnCNN` the last convolution
            has a bias
    IRCNN   ``residual``, 7 layers, ``dilations`` 1 2 3 4 3 2 1
    ======  ===================================================================================

    Args:
        variant: ``ordinary`` (biases) or ``scale`` (none); ``wrapped`` uses the ordinary form inside.
        depth: number of convolutions (≥ 2).
        channels: width of the hidden layers.
        image_channels: 1 for gray, 3 for colour.
        noise_map: expect σ as an extra, constant input channel.
        residual: predict the noise; the output is y - net(y).
        batch_norm: normalise between the hidden convolutions and their ReLU; in ``scale`` with
            :class:`OutsideBatchNorm2d`.
        eps: ε of batch normalisation.
        dilations: one per convolution; all 1 if None.

    Input (N, image_channels, H, W), any size ≥ 1; ``sigma`` in the same units as the image.

    Raises:
        NormeqError: asked for another variant, ``depth`` below 2, or another number of dilations than of
            convolutions.
    Source: Zhang et al. 2017 (DnCNN, IRCNN), 2018 (FDnCNN); Mohan et al., ICLR 2020.
    """

    def __init__(
        self,
        variant: Variant,
        depth: int = 17,
        channels: int = 64,
        image_channels: int = 1,
        noise_map: bool = False,
        residual: bool = True,
        batch_norm: bool = False,
        eps: float = 1e-5,
        dilations: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        check_depth(depth)
        if variant.name not in ("ordinary", "scale", "wrapped"):
            raise NormeqError(
                f"plain has no {variant.name!r} variant (zeros around an image do not shift with it): use "
                "fdncnn"
            )
        dilations = [1] * depth if dilations is None else list(dilations)
        if len(dilations) != depth:
            raise NormeqError(f"dilations: expected one for each of {depth} convolutions, got {dilations}")
        self.noise_map, self.image_channels = noise_map, image_channels
        self.residual = residual
        norm = nn.BatchNorm2d if variant.bias else OutsideBatchNorm2d
        widths = [image_channels + noise_map, *[channels] * (depth - 1), image_channels]
        layers: list[nn.Module] = []
        for number, dilation in enumerate(dilations):
            layers.append(
                nn.Conv2d(
                    *widths[number : number + 2], 3, padding=dilation, dilation=dilation, bias=variant.bias
                )
            )
            if batch_norm and 0 < number < depth - 1:
                layers.append(norm(channels, eps=eps))
            if number < depth - 1:
                layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers)

    @takes_images
    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        output = self.layers(append_noise_map(y, sigma, self.noise_map))
        return y - output if self.residual else output
