"""Far from zero: f(y - m) + m in place of f(y), with the mean m of the image.

For a normalization-equivariant f the two are one map. In floating point they are not: an offset takes digits
that the contrast of the image then lacks, and every layer rounds at the size of the offset. In float32 that
costs 0.3 dB where |m| is 10⁴ times the contrast and everything at 10⁶; with the mean taken out first, and put
back in float64, only what the format of the image itself cannot hold is lost.

It is done where it can matter alone, beyond :data:`normeq.imaging.protocol.FAR` standard deviations, so that
an image of an ordinary range goes through f as it is, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from normeq.imaging.protocol import FAR

# What a user's own function or module says of itself by an attribute of this name, True.
DECLARATION = "normalization_equivariant"


def far_mean(y: Tensor) -> Tensor:
    """What is taken out of each image.

    Args:
        y: whole images, (N, C, H, W) or (C, H, W), any range, finite. Of tiles the mean would change at their
            seams: take it of the whole image and hand it to :func:`denoise_centred`.

    Returns:
        float64, (N, 1, 1, 1) or (1, 1, 1): the mean over channels and pixels where it is more than
        :data:`normeq.imaging.protocol.FAR` standard deviations from zero (and of constant images), else 0.
    """
    exact = y.detach().double()
    mean = exact.mean(dim=(-3, -2, -1), keepdim=True)
    deviation = (exact - mean).square().mean(dim=(-3, -2, -1), keepdim=True).sqrt()
    return mean.where(mean.abs() > FAR * deviation, mean.new_zeros(()))


def is_far(y: Tensor) -> list[bool]:
    """Of each image (N, C, H, W) whether its mean is taken out."""
    return (far_mean(y).flatten() != 0).tolist()


def denoise_centred(
    denoise: Callable[..., Tensor],
    y: Tensor,
    sigma: Tensor | float | None = None,
    mean: Tensor | float | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """f(y - m) + m; f(y) itself where m = 0.

    Args:
        denoise: f, normalization-equivariant; called as ``f(y)``, or ``f(y, sigma)`` where sigma is given.
        y: images, (N, C, H, W) or (C, H, W), any range. float64 images keep their digits, whatever f computes
            in.
        sigma: noise level in the units of y, which a shift leaves as it is.
        mean: m, a number or a tensor that broadcasts to y; by default :func:`far_mean`. For a tile, that of
            the whole image.
        dtype: number format in which f takes images; that of y by default.

    Returns:
        Denoised images in the format of y.
    """
    mean = far_mean(y) if mean is None else torch.as_tensor(mean, dtype=torch.float64, device=y.device)
    inside = (y.double() - mean).to(dtype or y.dtype)
    output = denoise(inside) if sigma is None else denoise(inside, sigma)
    return (output.double() + mean).to(y.dtype)


class Centred(nn.Module):
    """A normalization-equivariant network that keeps its accuracy far from zero (:func:`denoise_centred`).

    >>> network = Centred(normeq.load("fdncnn-norm-sigma25"))  # doctest: +SKIP
    >>> denoised = network(kelvin)  # doctest: +SKIP

    Images may be float64 whatever the network computes in.

    Args:
        network: called as ``network(y)`` or ``network(y, sigma)``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.noise_map = bool(getattr(network, "noise_map", False))
        self.image_channels = getattr(network, "image_channels", None)

    def forward(
        self, y: Tensor, sigma: Tensor | float | None = None, mean: Tensor | float | None = None
    ) -> Tensor:
        if not isinstance(y, Tensor) or not y.is_floating_point() or y.ndim not in (3, 4):
            return self.network(y, sigma)  # which says what is wrong with an input
        weight = next(self.network.parameters(), None)
        narrow = y.dtype == torch.float64 and weight is not None
        return denoise_centred(self.network, y, sigma, mean, weight.dtype if narrow else y.dtype)
