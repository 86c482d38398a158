"""DRUNet: a U-Net with residual blocks."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.inputs import takes_images
from normeq.nn.noise_map import append_noise_map
from normeq.nn.variants import Variant


class ResidualBlock(nn.Module):
    """conv, activation, conv, and a connection around them."""

    def __init__(self, variant: Variant, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            variant.conv(channels, channels, activated_output=True),
            variant.activation(),
            variant.conv(channels, channels, activated_input=True),
        )
        self.residual = variant.residual()

    def forward(self, x: Tensor) -> Tensor:
        return self.residual(x, self.body(x))


class DRUNet(nn.Module):
    """Four scales of residual blocks, joined by strided and up-sampling convolutions.

    Args:
        variant: building blocks.
        widths: channels of the scales, finest first.
        blocks: residual blocks per scale and direction.
        image_channels: 1 for gray, 3 for colour.
        noise_map: expect σ as an extra input channel.
        margin: what extends an image whose sides are no multiples of 2^(scales-1), at the bottom and right:
            its ``mirror`` image, or its ``mean``, as the paper's authors do. Both commute with affine maps of
            the values. (Its last row and column repeated would be streaks of noise that a network does not
            know, see docs/training.md.)

    Input (N, image_channels, H, W) or (image_channels, H, W), any size ≥ 1; the margin is cropped at the
    end.

    Raises:
        NormeqError: unknown ``margin``.
    Source: Zhang et al. (DPIR) for the network, Herbreteau et al. 2023, section 4.1, for the equivariant
    forms.
    """

    def __init__(
        self,
        variant: Variant,
        widths: tuple[int, ...] = (64, 128, 256, 512),
        blocks: int = 4,
        image_channels: int = 1,
        noise_map: bool = False,
        margin: Literal["mirror", "mean"] = "mirror",
    ) -> None:
        super().__init__()
        if margin not in ("mirror", "mean"):
            raise NormeqError(f"unknown margin {margin!r}: choose mirror or mean")
        self.noise_map, self.image_channels = noise_map, image_channels
        self.subtracts = variant.zero_sum
        self.margin = margin
        self.factor = 2 ** (len(widths) - 1)
        # Reflective padding in the coarsest scale needs two pixels there.
        self.least = self.factor * (2 if variant.affine else 1)

        def stage(channels: int) -> list[nn.Module]:
            return [ResidualBlock(variant, channels) for _ in range(blocks)]

        self.head = variant.conv(
            image_channels + noise_map, widths[0], free_channels=int(noise_map), from_image=True
        )
        self.down = nn.ModuleList(
            nn.Sequential(*stage(fine), variant.conv(fine, coarse, 2, stride=2))
            for fine, coarse in zip(widths[:-1], widths[1:], strict=True)
        )
        self.body = nn.Sequential(*stage(widths[-1]))
        self.up = nn.ModuleList(
            nn.Sequential(variant.upsample(coarse, fine), *stage(fine))
            for fine, coarse in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.skips = nn.ModuleList(variant.residual() for _ in widths)
        self.tail = variant.conv(widths[0], image_channels)

    @takes_images
    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        height, width = y.shape[-2:]
        right, below = (max(-size % self.factor, self.least - size) for size in (width, height))
        x = _mirrored(append_noise_map(y, sigma, self.noise_map), right, below)
        if self.margin == "mean":
            pad = (0, right, 0, below)
            outside = 1 - F.pad(torch.ones_like(y), pad)
            image = F.pad(y, pad) + y.mean(dim=(1, 2, 3), keepdim=True) * outside
            x = torch.cat([image, x[:, y.shape[1] :]], dim=1)
        features = [self.head(x)]
        for down in self.down:
            features.append(down(features[-1]))
        x = self.body(features[-1])
        for up, skip in zip(self.up, self.skips, strict=False):
            x = up(skip(x, features.pop()))
        x = self.tail(self.skips[-1](x, features.pop()))[..., :height, :width]
        return y - x if self.subtracts else x


def _mirrored(x: Tensor, right: int, below: int) -> Tensor:
    """Extend (N, C, H, W) at the right and at the bottom by its mirror image, without the outermost pixel;
    where it is shorter than that, again, and a single pixel is repeated."""
    while right or below:
        height, width = x.shape[-2:]
        across, down = min(right, max(width - 1, 1)), min(below, max(height - 1, 1))
        x = F.pad(x, (0, across, 0, 0), mode="reflect" if width > 1 else "replicate")
        x = F.pad(x, (0, 0, 0, down), mode="reflect" if height > 1 else "replicate")
        right, below = right - across, below - down
    return x
