"""Classical denoisers as they are in scikit-image and SciPy, ready to be named in a config.

Each is ``f(noisy, sigma)``: a 2-D float array (float32 or float64, nominal range [0,1], not clipped) and σ in
the same units, to an array of the same shape and format. Nothing is done to make them equivariant: no
rescaling, no clipping. What they do to an image in another range is what their library does, and
``normeq certify`` measures it. Parameters are the usual ones, proportional to σ where the method has one in
units of the image. Use: ``denoisers: {nlm: normeq.classical:nlm}``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from normeq.errors import NormeqError

Image = NDArray[np.floating]


def tv(noisy: Image, sigma: float) -> Image:
    """Total variation (Chambolle 2004), weight σ: scikit-image's default weight of 0.1 is that of σ = 25."""
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(noisy, weight=sigma)


def nlm(noisy: Image, sigma: float) -> Image:
    """Non-local means, fast mode, known σ, h = 0.8 σ, patches 5×5, search 13×13: scikit-image's example."""
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(noisy, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True)


def wavelet(noisy: Image, sigma: float) -> Image:
    """Soft thresholding of Haar wavelets, BayesShrink thresholds, σ given. Needs PyWavelets."""
    from skimage.restoration import denoise_wavelet

    return denoise_wavelet(noisy, sigma=sigma, method="BayesShrink", mode="soft", rescale_sigma=True)


def bilateral(noisy: Image, sigma: float) -> Image:
    """Bilateral filter, 2σ in values and 1.8 pixels in space (Zhang & Gunturk, IEEE TIP 2008)."""
    from skimage.restoration import denoise_bilateral

    return denoise_bilateral(noisy, sigma_color=2 * sigma, sigma_spatial=1.8)


def median(noisy: Image, sigma: float) -> Image:
    """Median of 3×3 pixels; σ is not used."""
    from scipy.ndimage import median_filter

    return median_filter(noisy, size=3)


def gaussian(noisy: Image, sigma: float) -> Image:
    """Gaussian blur of 1 pixel; σ is not used."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(noisy, sigma=1.0)


def bm3d(noisy: Image, sigma: float) -> Image:
    """BM3D of its authors, default profile.

    Their package ``bm3d`` is for non-commercial use only and no dependency: whoever may use it installs it.

    Raises:
        NormeqError: the package is not installed.
    """
    try:
        from bm3d import bm3d as denoise
    except ImportError:
        raise NormeqError(
            "bm3d is not installed: `pip install bm3d` if its licence (non-commercial use only) allows you to"
        ) from None
    return denoise(noisy, sigma)


CLASSICAL = ("tv", "nlm", "wavelet", "bilateral", "median", "gaussian")
