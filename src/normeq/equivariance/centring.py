"""Far from zero: f(y - m) + m in place of f(y), with the mean m of the image.

For a normalization-equivariant f the two are one map. In floating point they are not: an offset takes digits
that the contrast of the image then lacks, and every layer rounds at the size of the offset. In float32 that
costs a ``norm`` network up to 0.3 dB where |m| is 10⁴ times the range of the image and everything at 10⁶;
with the mean taken out first, and put back in float64, only what the format of the image itself cannot hold
is lost.

It is done where it can matter alone, beyond :data:`normeq.imaging.protocol.FAR` standard deviations, so that
an image of an ordinary range goes through f as it is, to the last digit. For the same reason an image whose
values are near the ends of the number format of f comes to it in a unit of its own, a power of two.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from normeq.imaging.protocol import FAR
from normeq.nn.powers import unit_of

IMAGE = (-3, -2, -1)  # the axes of one image
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
    unit = unit_of(exact, IMAGE)
    exact = exact / unit  # squares and sums neither underflow nor overflow
    mean = exact.mean(dim=(-3, -2, -1), keepdim=True)
    deviation = (exact - mean).square().mean(dim=(-3, -2, -1), keepdim=True).sqrt()
    return (mean * unit).where(mean.abs() > FAR * deviation, mean.new_zeros(()))


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
    """f(y - m) + m; f(y) itself where m = 0. Where values of y - m are near the ends of the number format of
    f, it is u·f((y - m)/u) + m with a power of two u.

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
    inside, dtype = y.double() - mean, dtype or y.dtype
    units = _needed_units(inside, dtype, y.dtype)
    if units is None:
        output = _call(denoise, inside.to(dtype), sigma)
        return (output.double() + mean).to(y.dtype)
    outputs = []
    batch = inside.reshape(-1, *inside.shape[-3:])
    for number, (one, unit) in enumerate(zip(batch, units, strict=True)):
        level = sigma  # of this image
        if isinstance(sigma, Tensor) and sigma.ndim and len(sigma) == len(batch) > 1:
            level = sigma[number : number + 1]
        one = (one if y.ndim == 3 else one[None]) / unit
        output = _call(denoise, one.to(dtype), None if level is None else level / unit)
        outputs.append(output.double() * unit)
    whole = outputs[0] if y.ndim == 3 else torch.cat(outputs)
    return (whole + mean).to(y.dtype)


def _call(denoise: Callable[..., Tensor], y: Tensor, sigma: Tensor | float | None) -> Tensor:
    return denoise(y) if sigma is None else denoise(y, sigma)


def _needed_units(inside: Tensor, dtype: torch.dtype, given: torch.dtype) -> list[float] | None:
    """The unit of each image, 1 where values are far from the ends of a number format; None where all are.

    A GPU is not made to wait for a look at images that it was given in that format.
    """
    if torch.compiler.is_compiling() or (inside.device.type != "cpu" and dtype == given):
        return None
    top = math.floor(math.log2(torch.finfo(dtype).max))
    far = 2.0 ** min(64, top - 1)  # where sums in a network still have room

    largest = inside.detach().abs().amax(dim=(-3, -2, -1))
    try:
        values = largest.flatten().tolist()
    except RuntimeError:  # under vmap there is no one value
        return None
    near = [0 < value < math.inf and not 1 / far <= value < far for value in values]
    if not any(near):
        return None
    return [
        unit if use else 1.0
        for unit, use in zip(unit_of(inside, IMAGE).flatten().tolist(), near, strict=True)
    ]


class Centred(nn.Module):
    """A normalization-equivariant network that keeps its accuracy far from zero (:func:`denoise_centred`).

    >>> network = Centred(normeq.load("fdncnn-norm-sigma25"))  # doctest: +SKIP
    >>> denoised = network(kelvin)  # doctest: +SKIP

    Images may be float64, of any range, whatever the network computes in. It declares itself
    normalization-equivariant where the network does.

    Args:
        network: called as ``network(y)`` or ``network(y, sigma)``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.noise_map = bool(getattr(network, "noise_map", False))
        self.image_channels = getattr(network, "image_channels", None)
        setattr(self, DECLARATION, getattr(network, DECLARATION, False) is True)

    def forward(
        self, y: Tensor, sigma: Tensor | float | None = None, mean: Tensor | float | None = None
    ) -> Tensor:
        if (
            not isinstance(y, Tensor)
            or not y.is_floating_point()
            or y.ndim not in (3, 4)
            or 0 in y.shape[-3:]
        ):
            return self.network(y, sigma)  # which says what is wrong with an input
        weight = next(self.network.parameters(), None)
        narrow = y.dtype == torch.float64 and weight is not None
        return denoise_centred(self.network, y, sigma, mean, weight.dtype if narrow else y.dtype)
