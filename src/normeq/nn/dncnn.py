"""DnCNN with batch normalisation, which predicts the noise."""

from __future__ import annotations

from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.depth import check_depth
from normeq.nn.inputs import takes_images
from normeq.nn.norms import BiasFreeBatchNorm2d
from normeq.nn.variants import Variant


class DnCNN(nn.Module):
    """20 convolutions of 3×3 with batch normalisation between them; the output is y - net(y).

    The batch statistics are constants at test time, and a constant divisor does not let a shift through
    unscaled: there is no form of affine layers. There is a normalization-equivariant one all the same,
    ``invariant``: behind a first layer that is blind to shifts, the divisor meets none.

    Args:
        variant: building blocks, any but ``norm`` (``wrapped`` uses the ordinary form inside).
        depth, channels, image_channels: as in FDnCNN; blind only.

    Raises:
        NormeqError: asked for the ``norm`` variant; ``depth`` below 2.
    Source: Zhang et al. 2017; bias-free form: Mohan et al., ICLR 2020.
    """

    noise_map = False

    def __init__(
        self, variant: Variant, depth: int = 20, channels: int = 64, image_channels: int = 1
    ) -> None:
        super().__init__()
        check_depth(depth)
        if variant.affine:
            raise NormeqError(
                "dncnn has no 'norm' variant (batch normalisation is not equivariant to shifts): "
                "use fdncnn, or the variant 'invariant' or 'wrapped'"
            )
        self.image_channels = image_channels
        norm = nn.BatchNorm2d if variant.bias else BiasFreeBatchNorm2d
        layers: list[nn.Module] = [
            variant.conv(image_channels, channels, from_image=True),
            variant.activation(),
        ]
        for _ in range(depth - 2):
            layers += [variant.conv(channels, channels), norm(channels), variant.activation()]
        layers.append(variant.conv(channels, image_channels))
        self.layers = nn.Sequential(*layers)

    @takes_images
    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        return y - self.layers(y)
