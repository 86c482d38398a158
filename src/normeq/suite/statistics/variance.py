"""How much of the spread of PSNR is the images, the noise draws, and the training seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

NAN = float("nan")


@dataclass(frozen=True)
class Components:
    """Standard deviations of random effects, in the unit of the values; NaN where they cannot be told apart.

    Attributes:
        images: between images, after averaging over draws and seeds without end.
        seeds: between trainings, common to all images.
        images_seeds: between trainings, different from image to image.
        draws: between noise draws of one image, common to all trainings.
        rest: what is left for one draw with one training.
    """

    images: float
    seeds: float
    images_seeds: float
    draws: float
    rest: float


def split(values: ArrayLike) -> Components:
    """Split the variance of a balanced set of measurements.

    Model: y[i, s, d] = μ + image[i] + seed[s] + (image·seed)[i, s] + draw[i, d] + rest[i, s, d]; draws belong
    to an image, and all trainings see the same draws. Estimated by the method of moments from the mean
    squares of the analysis of variance (Searle, Casella, McCulloch, *Variance Components*, 1992, chapter 4);
    estimates below zero are zero.

    Args:
        values: (images, seeds, draws), finite.

    Returns:
        The components. With one seed, ``images`` holds what seeds do to images and ``draws`` the rest; with
        one draw, ``images`` holds the draws and ``images_seeds`` the rest; with one image none is known.
    """
    y = np.asarray(values, dtype=np.float64)
    a, b, n = y.shape
    if a == 1:
        return Components(NAN, NAN, NAN, NAN, NAN)
    mean = y.mean()
    image, seed = y.mean((1, 2)), y.mean((0, 2))
    cell, draw = y.mean(2), y.mean(1)
    of_image = b * n * ((image - mean) ** 2).sum() / (a - 1)
    of_cell = of_seed = of_draw = of_rest = NAN
    if b > 1:
        of_seed = a * n * ((seed - mean) ** 2).sum() / (b - 1)
        mixed = cell - image[:, None] - seed + mean
        of_cell = n * (mixed**2).sum() / ((a - 1) * (b - 1))
    if n > 1:
        of_draw = b * ((draw - image[:, None]) ** 2).sum() / (a * (n - 1))
    if b > 1 and n > 1:
        rest = y - cell[:, :, None] - draw[:, None, :] + image[:, None, None]
        of_rest = (rest**2).sum() / (a * (b - 1) * (n - 1))

    def sd(variance: float) -> float:
        return float(np.sqrt(max(variance, 0.0))) if not np.isnan(variance) else NAN

    if b > 1 and n > 1:
        return Components(
            sd((of_image - of_cell - of_draw + of_rest) / (b * n)),
            sd((of_seed - of_cell) / (a * n)),
            sd((of_cell - of_rest) / n),
            sd((of_draw - of_rest) / b),
            sd(of_rest),
        )
    if b > 1:
        return Components(sd((of_image - of_cell) / b), sd((of_seed - of_cell) / a), sd(of_cell), NAN, NAN)
    if n > 1:
        return Components(sd((of_image - of_draw) / n), NAN, NAN, sd(of_draw), NAN)
    return Components(sd(of_image), NAN, NAN, NAN, NAN)
