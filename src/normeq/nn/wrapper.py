"""The wrapper: equivariance from outside, for any network."""

from __future__ import annotations

import inspect
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normeq.errors import NormeqError
from normeq.nn.inputs import check_level, takes_images
from normeq.nn.powers import unit_of

Statistics = Literal["global", "local"]


def check_statistics(statistics: str, box: int) -> None:
    """Refuse settings that no :class:`NormalizationWrapper` has, also where none is built.

    Raises:
        NormeqError: unknown statistics, or a box without a middle.
    """
    if statistics not in ("global", "local"):
        raise NormeqError(f"unknown statistics {statistics!r}: choose global or local")
    if isinstance(box, bool) or not isinstance(box, int) or box < 3 or box % 2 == 0:
        raise NormeqError(f"box must be an odd number of pixels, at least 3, not {box!r}")


class NormalizationWrapper(nn.Module):
    """f(y) = std·g((y - mean)/std) + mean, with statistics of the image or of the surroundings of each pixel.

    f is normalization-equivariant whatever g is, since mean and std follow y. Where std = 0, everything that
    they were taken from is constant, and f gives the mean, as equivariance forces anyway: f(c·1) = c·1. A
    noise map is divided by std, so f(λy + μ, λσ) = λf(y, σ) + μ.

    ``global`` statistics are those of all channels and pixels of an image: f depends on the whole image at
    once, and on larger images they are not those of the patches that g was trained on. ``local`` ones are
    maps: the mean over the box around each pixel, and the root mean square, over the same box, of what is
    left when each pixel's own mean is subtracted (local contrast normalisation: Jarrett et al., ICCV 2009).
    Boxes end at the border of the image. f then reaches (box - 1) pixels further than g, and an image may be
    denoised in tiles with a margin of that.

    Args:
        network: g, called as ``g(y)`` or ``g(y, sigma)``; sigma is one number per image, (N,), or a map
            (N, 1, H, W) with ``local`` or where one is given. One whose ``forward`` has no second argument is
            not told sigma.
        statistics: ``global`` or ``local``.
        box: side of the box of ``local``, in pixels, odd; that of the training patches suits.

    Raises:
        NormeqError: see :func:`check_statistics`.
    Source: Saied & Fleuret, ICML 2026 (arXiv 2605.08193); 1/d standard deviation as in the paper. ``local``
    is ours.
    """

    def __init__(self, network: nn.Module, statistics: Statistics = "global", box: int = 49) -> None:
        super().__init__()
        check_statistics(statistics, box)
        self.network = network
        self.noise_map = bool(getattr(network, "noise_map", False))
        self.image_channels = getattr(network, "image_channels", None)
        self.local, self.box = statistics == "local", box
        self.tells = _takes_two(network)

    @takes_images
    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        unit = unit_of(y, dim=(1, 2, 3))
        y = y / unit
        mean = self._mean(y)
        centred = y - mean
        variance = self._mean(centred.square())
        varies = variance > 0
        # Only where it varies: the root has no derivative at 0, and 0·inf would be NaN.
        divisor = variance.where(varies, variance.new_ones(())).sqrt()
        std = divisor.where(varies, divisor.new_zeros(()))
        if sigma is not None:
            if self.noise_map:
                check_level(sigma, y)
            if not isinstance(sigma, int | float):  # (a number keeps its digits, whatever the image's format)
                sigma = torch.as_tensor(sigma, dtype=y.dtype, device=y.device)
                sigma = sigma if sigma.ndim == 4 else sigma.reshape(-1, 1, 1, 1)
            sigma = sigma / (divisor * unit.where(varies, unit.new_ones(())))
            if sigma.shape[1:] == (1, 1, 1) and not self.local:  # one number an image
                sigma = sigma.flatten()
        centred = centred / divisor
        told = self.tells and sigma is not None
        output = self.network(centred, sigma) if told else self.network(centred)
        return (std * output + mean) * unit

    def _mean(self, x: Tensor) -> Tensor:
        """Over the channels of the image, (N, 1, 1, 1), or of the box around each pixel, (N, 1, H, W)."""
        if not self.local:
            return x.mean(dim=(1, 2, 3), keepdim=True)
        half = self.box // 2
        x = x.mean(dim=1, keepdim=True)
        # The mean over a box, which the border cuts, is one over columns of one over rows.
        x = F.avg_pool2d(x, (self.box, 1), 1, (half, 0), count_include_pad=False)
        return F.avg_pool2d(x, (1, self.box), 1, (0, half), count_include_pad=False)


def wrap(module: nn.Module, statistics: Statistics = "global", box: int = 49) -> NormalizationWrapper:
    """Any denoiser made normalization-equivariant from outside: std·g((y - mean)/std) + mean.

    >>> wrapped = normeq.wrap(network)  # doctest: +SKIP
    >>> wrapped(255 * y - 40)  # 255 * wrapped(y) - 40  # doctest: +SKIP

    The module itself is inside, not a copy: training one trains the other. g sees images of mean 0 and
    deviation 1, and so should be trained wrapped; see :class:`NormalizationWrapper`.

    Args:
        module: g, from images (N, C, H, W) to images of the same height and width, called as ``g(y)`` or
            ``g(y, sigma)``.
        statistics: ``global``, of the whole image, or ``local``, of the box around each pixel.
        box: side of the box of ``local``, in pixels, odd.

    Returns:
        A module called as ``net(y)`` or ``net(y, sigma)``, in the mode of ``module`` (training or not), for
        images of any range.

    Raises:
        NormeqError: statistics or box cannot be had, or ``module`` is none.

    Source: Saied & Fleuret, ICML 2026 (arXiv 2605.08193).
    """
    if not isinstance(module, nn.Module):
        raise NormeqError(f"wrap takes a torch.nn.Module, not a {type(module).__name__}")
    wrapped = NormalizationWrapper(module, statistics, box)
    wrapped.normalization_equivariant = True
    wrapped.training = module.training  # its own alone: frozen parts of the module stay frozen
    return wrapped


def _takes_two(network: nn.Module) -> bool:
    """Whether a network can be called with an image and a noise level."""
    try:
        parameters = list(inspect.signature(network.forward).parameters.values())
    except (TypeError, ValueError):  # compiled functions do not say
        return True
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 1 or any(p.kind is p.VAR_POSITIONAL for p in parameters)
