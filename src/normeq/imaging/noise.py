"""Gaussian noise that depends on its label alone; and the noise of KAIR, for comparison."""

from __future__ import annotations

import hashlib

import numpy as np


def gaussian_noise(shape: tuple[int, ...], sigma: float, dataset: str, image: str, draw: int) -> np.ndarray:
    """Noise for one (image, σ, draw): the same in any order, batch, process and on any device.

    A Philox generator is keyed by the SHA-256 of the label; nothing else enters. All denoisers therefore see
    the same noise, which makes their comparison paired. The values are drawn on the CPU in float64 and
    rounded to float32.

    Args:
        shape: shape of the image.
        sigma: noise level in 8-bit units, ≥ 0.
        dataset, image: names of the data set and of the image file (without its suffix).
        draw: 0, 1, …: number of the realisation.

    Returns:
        float32 array of ``shape`` in units of [0,1]: standard deviation σ/255, not clipped.

    Raises:
        ValueError: negative σ.
    """
    if not sigma >= 0:
        raise ValueError(f"sigma must not be negative, got {sigma}")
    label = f"{dataset}/{image}|sigma={float(sigma)!r}|draw={int(draw)}"
    key = np.frombuffer(hashlib.sha256(label.encode()).digest()[:16], dtype="<u8")
    generator = np.random.Generator(np.random.Philox(key=key))
    return (generator.standard_normal(shape) * (sigma / 255)).astype(np.float32)


def reset_noise(shape: tuple[int, ...], sigma: float, draw: int) -> np.ndarray:
    """Noise of KAIR's test programs: ``numpy.random.seed(draw)`` before every image, then ``normal``.

    Images of one size get the same noise, at every σ the same up to its size. Draw 0 is theirs.

    Args and returns: as in :func:`gaussian_noise`.

    Raises:
        ValueError: negative σ.
    """
    if not sigma >= 0:
        raise ValueError(f"sigma must not be negative, got {sigma}")
    return np.random.RandomState(draw).normal(0, sigma / 255, shape).astype(np.float32)
