"""Image quality: PSNR and SSIM, of one image or of many against the same clean ones."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from normeq.errors import NormeqError

Image = np.ndarray | Tensor
C1, C2 = 0.01**2, 0.03**2  # Wang et al. 2004, for images in [0,1]
GAUSSIAN = "gaussian"  # SSIM of Wang et al. 2004
UNIFORM = "uniform"  # SSIM by scikit-image's defaults
SSIM_WINDOWS = {GAUSSIAN: 11, UNIFORM: 7}  # side in pixels
SLACK = 1e-3  # of a clean image beyond [0,1]: more than rounding, less than a quarter of an 8-bit level


def to_8bit(image: Tensor) -> Tensor:
    """Clip to [0,1] and round to the 256 levels of an 8-bit file, still in [0,1]."""
    return (image.clamp(0, 1) * 255).round() / 255


class Reference:
    """Clean images with which denoised ones are compared; what depends on them alone is computed once.

    Args:
        clean: (N, H, W) in [0,1]; computed with in float64 on its device.
        border: pixels shaved off each side before anything is compared.

    Raises:
        NormeqError: integers, or clean images that leave [0,1], here as in all methods.
    """

    def __init__(self, clean: Image, border: int = 0) -> None:
        self.border = border
        self.clean = self._inside(clean)
        low, high = (float(limit) for limit in self.clean.aminmax()) if self.clean.numel() else (0.0, 1.0)
        if not -SLACK <= low <= high <= 1 + SLACK:
            raise NormeqError(
                "the clean image must lie in [0,1], where the peak is 1; it has values from "
                f"{low:.4g} to {high:.4g}: bring both images to [0,1]"
            )
        self._moments: dict[str, tuple[Tensor, Tensor]] = {}

    def _inside(self, image: Image) -> Tensor:
        image = torch.as_tensor(image).detach()
        if not image.dtype.is_floating_point:
            name = str(image.dtype).removeprefix("torch.")
            raise NormeqError(
                f"images to compare are floating-point numbers in [0,1], not {name}: divide by 255"
            )
        image = image.double()
        cut = slice(self.border, -self.border or None)
        return image[..., cut, cut] if self.border else image

    def _other(self, image: Image) -> Tensor:
        """What is compared with the clean images."""
        image = self._inside(image).to(self.clean.device)
        if image.shape != self.clean.shape:
            raise ValueError(
                f"images to compare need one shape, got {tuple(image.shape)} and {tuple(self.clean.shape)}"
            )
        return image

    def psnr(self, image: Image, *, clip: bool = True, round_8bit: bool = False) -> list[float]:
        """PSNR of each image (N, H, W); see :func:`psnr`."""
        image = self._other(image)
        if round_8bit:
            image = to_8bit(image)
        elif clip:
            image = image.clamp(0, 1)
        errors = (image - self.clean).square().flatten(1).mean(1).tolist()
        return [math.inf if error == 0 else -10 * math.log10(error) for error in errors]  # NaN stays NaN

    def ssim(self, image: Image, window: str = GAUSSIAN) -> list[float]:
        """SSIM of each image (N, H, W), clipped to [0,1]; see :func:`ssim`."""
        y = self._other(image).clamp(0, 1)
        x = self.clean
        if min(x.shape[-2:]) < SSIM_WINDOWS[window]:
            raise NormeqError(
                f"SSIM looks through a window of {SSIM_WINDOWS[window]} pixels: an image of "
                f"{x.shape[-2]}×{x.shape[-1]} pixels is too small"
            )
        if window not in self._moments:
            self._moments[window] = _mean(x, window), _mean(x * x, window)
        mean_x, square_x = self._moments[window]
        mean_y, square_y, product = _mean(y, window), _mean(y * y, window), _mean(x * y, window)
        # scikit-image's default divides covariances by n - 1, Wang et al. by n.
        n = SSIM_WINDOWS[window] ** 2
        sample = n / (n - 1) if window == UNIFORM else 1.0
        squares = mean_x * mean_x + mean_y * mean_y
        means = mean_x * mean_y
        variances = (square_x + square_y - squares) * sample
        similar = (2 * means + C1) * (2 * sample * (product - means) + C2)
        return (similar / ((squares + C1) * (variances + C2))).flatten(1).mean(1).tolist()


def _mean(image: Tensor, window: str) -> Tensor:
    """Weighted mean around each pixel whose window lies inside the image: (N, H, W) to (N, H-w+1, W-w+1)."""
    half = SSIM_WINDOWS[window] // 2
    if window == UNIFORM:
        taps = [1 / (2 * half + 1)] * (half + 1)
    else:
        taps = [math.exp(-0.5 * (k / 1.5) ** 2) for k in range(half, -1, -1)]
        total = 2 * sum(taps[:-1]) + taps[-1]
        taps = [tap / total for tap in taps]
    for dim in (-2, -1):
        length = image.shape[dim] - 2 * half
        out = image.narrow(dim, half, length) * taps[half]
        for k in range(half):  # both sides of the symmetric window together
            pair = image.narrow(dim, k, length) + image.narrow(dim, 2 * half - k, length)
            out.add_(pair, alpha=taps[k])
        image = out
    return image


def psnr(image: Image, clean: Image, *, clip: bool = True, round_8bit: bool = False) -> float:
    """Peak signal-to-noise ratio in dB, peak 1.

    Args:
        image: to be judged, any shape; nominal range [0,1].
        clean: same shape, in [0,1].
        clip: clip ``image`` to [0,1] first (the paper's protocol for outputs).
        round_8bit: also round it to the 256 levels of an 8-bit file (KAIR's protocol); implies ``clip``.

    Returns:
        10·log10(1 / mean squared error); infinity for equal images.

    Raises:
        NormeqError: integers (8-bit images are divided by 255 first), or a clean image that leaves [0,1].
        ValueError: images of two shapes.
    """
    return Reference(clean[None]).psnr(image[None], clip=clip, round_8bit=round_8bit)[0]


def ssim(image: Image, clean: Image, window: str = GAUSSIAN) -> float:
    """Structural similarity in [-1, 1], K1 = 0.01, K2 = 0.03, data range 1; ``image`` is clipped to [0,1].

    Args:
        image, clean: 2-D, in [0,1], at least 11 pixels in each direction.
        window: ``gaussian`` for the settings of Wang et al. 2004 (σ = 1.5 truncated to 11×11, population
            covariance), ``uniform`` for scikit-image's defaults (7×7, sample covariance).

    Raises:
        NormeqError: the images are smaller than the window, or integers, or the clean one leaves [0,1].
        ValueError: images of two shapes.
    """
    return Reference(clean[None]).ssim(image[None], window)[0]
