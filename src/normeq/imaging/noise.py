"""Noise that depends on its label alone; and the noise of KAIR, for comparison.

A type of noise is one module of :mod:`normeq.imaging.noises`.
"""

from __future__ import annotations

import hashlib
import pkgutil
from abc import ABC, abstractmethod
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from normeq.errors import NormeqError

if TYPE_CHECKING:
    import torch

DEFAULT = "gaussian"


class Noise(ABC):
    """Additive noise of independent pixels, as samples of mean 0 and variance 1; σ scales them."""

    @abstractmethod
    def unit(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Samples for tests, float64 of ``shape``."""

    @abstractmethod
    def unit_tensor(
        self, shape: tuple[int, ...], generator: torch.Generator, device: torch.device
    ) -> torch.Tensor:
        """Samples for training, float32 of ``shape`` on ``device``."""


def noise_names() -> tuple[str, ...]:
    """Names of all types: those of the modules of :mod:`normeq.imaging.noises`."""
    from normeq.imaging import noises

    return tuple(module.name for module in pkgutil.iter_modules(noises.__path__))


@cache
def get_noise(name: str) -> Noise:
    """A type of noise by name.

    Raises:
        NormeqError: there is none of that name.
    """
    if name not in noise_names():
        raise NormeqError(f"unknown noise {name!r}: choose from {', '.join(noise_names())}")
    module = import_module(f"normeq.imaging.noises.{name}")
    [kind] = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Noise) and value is not Noise
    ]
    return kind()


def labelled_noise(
    shape: tuple[int, ...], sigma: float, dataset: str, image: str, draw: int, noise: str = DEFAULT
) -> np.ndarray:
    """Noise for one (image, σ, draw): the same in any order, batch, process and on any device.

    A Philox generator is keyed by the SHA-256 of the label; nothing else enters. All denoisers therefore see
    the same noise, which makes their comparison paired. The values are drawn on the CPU in float64 and
    rounded to float32.

    Args:
        shape: shape of the image.
        sigma: noise level in 8-bit units, ≥ 0: the standard deviation, whatever the type.
        dataset, image: names of the data set and of the image.
        draw: 0, 1, …: number of the realisation.
        noise: a name of :func:`noise_names`.

    Returns:
        float32 array of ``shape`` in units of [0,1]: standard deviation σ/255, not clipped.

    Raises:
        ValueError: negative σ.
        NormeqError: unknown noise.
    """
    if not sigma >= 0:
        raise ValueError(f"sigma must not be negative, got {sigma}")
    label = f"{dataset}/{image}|sigma={float(sigma)!r}|draw={int(draw)}"
    if noise != DEFAULT:
        label += f"|noise={noise}"
    key = np.frombuffer(hashlib.sha256(label.encode()).digest()[:16], dtype="<u8")
    generator = np.random.Generator(np.random.Philox(key=key))
    return (get_noise(noise).unit(generator, shape) * (sigma / 255)).astype(np.float32)


def reset_noise(shape: tuple[int, ...], sigma: float, draw: int) -> np.ndarray:
    """Noise of KAIR's test programs: ``numpy.random.seed(draw)`` before every image, then ``normal``.

    Images of one size get the same noise, at every σ the same up to its size. Draw 0 is theirs.

    Args:
        shape, sigma: as in :func:`labelled_noise`.
        draw: seed of the generator.

    Returns:
        As :func:`labelled_noise`.

    Raises:
        ValueError: negative σ.
    """
    if not sigma >= 0:
        raise ValueError(f"sigma must not be negative, got {sigma}")
    return np.random.RandomState(draw).normal(0, sigma / 255, shape).astype(np.float32)
