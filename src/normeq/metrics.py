"""Image quality: PSNR and SSIM."""

from __future__ import annotations

import numpy as np
from skimage.metrics import structural_similarity
from torch import Tensor

Image = np.ndarray | Tensor


def _array(image: Image) -> np.ndarray:
    array = image.detach().cpu().numpy() if isinstance(image, Tensor) else np.asarray(image)
    return array.astype(np.float64)


def psnr(image: Image, clean: Image, *, clip: bool = True, round_8bit: bool = False) -> float:
    """Peak signal-to-noise ratio in dB, peak 1.

    Args:
        image: to be judged, any shape; nominal range [0,1].
        clean: same shape, in [0,1].
        clip: clip ``image`` to [0,1] first (the paper's protocol for outputs).
        round_8bit: also round it to the 256 levels of an 8-bit file (KAIR's protocol); implies ``clip``.

    Returns:
        10·log10(1 / mean squared error); infinity for equal images.
    """
    image, clean = _array(image), _array(clean)
    if image.shape != clean.shape:
        raise ValueError(f"psnr needs images of one shape, got {image.shape} and {clean.shape}")
    if clip or round_8bit:
        image = image.clip(0, 1)
    if round_8bit:
        image = np.round(image * 255) / 255
    error = np.mean((image - clean) ** 2)
    return float(-10 * np.log10(error)) if error > 0 else float("inf")


def ssim(image: Image, clean: Image) -> float:
    """Structural similarity in [-1, 1] with the settings of Wang et al. 2004.

    Gaussian window σ = 1.5 truncated to 11×11, population covariance, K1 = 0.01, K2 = 0.03, data range 1;
    ``image`` is clipped to [0,1].

    Args:
        image, clean: 2-D, in [0,1], at least 11 pixels in each direction.
    """
    return float(
        structural_similarity(
            _array(clean),
            _array(image).clip(0, 1),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )
