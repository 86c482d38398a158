"""FDnCNN: a plain stack of 3×3 convolutions that predicts the clean image."""

from __future__ import annotations

from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.depth import check_depth
from normeq.nn.inputs import takes_images
from normeq.nn.noise_map import append_noise_map
from normeq.nn.variants import Variant


class FDnCNN(nn.Module):
    """20 convolutions of 3×3 with 64 channels, no batch normalisation; they give the clean image directly
    (with ``residual`` and in the variant ``invariant``: the noise, which is subtracted).

    Args:
        variant: building blocks.
        depth: number of convolutions (≥ 2).
        channels: width of the hidden layers (even, so that channels can be sorted in pairs).
        image_channels: 1 for gray, 3 for colour.
        noise_map: expect σ as an extra input channel.
        residual: give y - g(y), where g is what the layers compute. Not the paper's network, so give it a
            name of its own.

    Raises:
        NormeqError: ``residual`` where it would break the equivariance (``norm``: if g follows a shift,
            y - g(y) does not), or is there already (``invariant``); ``depth`` below 2.

    Input (N, image_channels, H, W) or (image_channels, H, W), any size ≥ 1, in any range; ``sigma`` in the
    same units as the image.
    Source: Herbreteau et al. 2023 and their code (the last convolution never has a bias).
    """

    def __init__(
        self,
        variant: Variant,
        depth: int = 20,
        channels: int = 64,
        image_channels: int = 1,
        noise_map: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__()
        check_depth(depth)
        if residual and (variant.affine or variant.zero_sum):
            why = "its y - g(y) would not follow a shift" if variant.affine else "it gives y - g(y) already"
            raise NormeqError(
                f"fdncnn: residual is not for the variant {variant.name!r} ({why}): leave one of them out"
            )
        self.noise_map, self.image_channels = noise_map, image_channels
        self.subtracts = variant.zero_sum or residual
        layers = [
            variant.conv(
                image_channels + noise_map,
                channels,
                free_channels=int(noise_map),
                from_image=True,
                activated_output=True,
            ),
            variant.activation(),
        ]
        for _ in range(depth - 2):
            layers += [
                variant.conv(channels, channels, activated_input=True, activated_output=True),
                variant.activation(),
            ]
        layers.append(variant.conv(channels, image_channels, bias=False, activated_input=True))
        self.layers = nn.Sequential(*layers)

    @takes_images
    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        x = self.layers(append_noise_map(y, sigma, self.noise_map))
        return y - x if self.subtracts else x
