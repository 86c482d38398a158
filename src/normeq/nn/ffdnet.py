"""FFDNet: a stack of convolutions at half the resolution."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.depth import check_depth
from normeq.nn.inputs import takes_images
from normeq.nn.noise_map import append_noise_map
from normeq.nn.variants import Variant


class FFDNet(nn.Module):
    """Convolutions of 3×3 on the four half-size images of a noisy one, with the noise level beside them.

    Args:
        variant: building blocks.
        depth: number of convolutions (≥ 2); 15 for gray, 12 for colour in the paper.
        channels: width of the hidden layers (even, so that channels can be sorted in pairs); 64 for gray,
            96 for colour in the paper.
        image_channels: 1 for gray, 3 for colour.
        noise_map: expect σ as an extra, constant input channel.

    Input (N, image_channels, H, W), any size ≥ 1: odd sides are extended by repeating the last row or column,
    which commutes with affine maps of the values, and cropped again at the end. ``sigma`` in the same units
    as the image.

    Raises:
        NormeqError: a variant that it does not have; ``depth`` below 2.
    Source: Zhang et al. 2018.
    """

    def __init__(
        self,
        variant: Variant,
        depth: int = 15,
        channels: int = 64,
        image_channels: int = 1,
        noise_map: bool = True,
    ) -> None:
        super().__init__()
        check_depth(depth)
        if variant.name not in ("ordinary", "scale", "norm", "wrapped"):
            raise NormeqError(f"ffdnet has no {variant.name!r} variant: use fdncnn")
        self.noise_map, self.image_channels = noise_map, image_channels
        self.least = 4 if variant.affine else 2  # reflective padding needs two pixels at half the size
        layers = [
            variant.conv(
                4 * image_channels + noise_map, channels, free_channels=int(noise_map), activated_output=True
            ),
            variant.activation(),
        ]
        for _ in range(depth - 2):
            layers += [
                variant.conv(channels, channels, activated_input=True, activated_output=True),
                variant.activation(),
            ]
        layers.append(variant.conv(channels, 4 * image_channels, activated_input=True))
        self.layers = nn.Sequential(*layers)

    @takes_images
    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        height, width = y.shape[-2:]
        right, below = (max(size % 2, self.least - size) for size in (width, height))
        x = _quarters(F.pad(y, (0, right, 0, below), mode="replicate"))
        x = self.layers(append_noise_map(x, sigma, self.noise_map))
        return F.pixel_shuffle(x, 2)[..., :height, :width]


def _quarters(x: Tensor) -> Tensor:
    """The four half-size images of each; of an empty batch too, which PyTorch leaves in its shape."""
    n, channels, height, width = x.shape
    return F.pixel_unshuffle(x, 2) if n else x.reshape(n, 4 * channels, height // 2, width // 2)
