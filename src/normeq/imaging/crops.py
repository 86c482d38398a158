"""Small crops of images: where to cut, as 8-bit pixels, and noisy again. Without PyTorch, for the report."""

from __future__ import annotations

import json

import numpy as np

from normeq.imaging.protocol import PAPER

STEP = 8  # pixels between the crops that are looked at


def detailed_crop(image: np.ndarray, size: int) -> tuple[int, int]:
    """Row and column of the square with the most detail: the largest sum of |differences| of neighbours.

    Args:
        image: (H, W), both at least ``size``.
        size: side in pixels.
    """
    detail = np.zeros_like(image, dtype=np.float64)
    detail[1:] += np.abs(np.diff(image, axis=0))
    detail[:, 1:] += np.abs(np.diff(image, axis=1))
    total = np.pad(detail, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    steps = inside[::STEP, ::STEP]
    row, column = np.unravel_index(int(steps.argmax()), steps.shape)
    return int(row) * STEP, int(column) * STEP


def to_uint8(image: np.ndarray) -> np.ndarray:
    """An image of nominal range [0,1] as uint8, clipped and rounded."""
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def noisy_crop(part: dict[str, np.ndarray], number: int, sigma: float) -> np.ndarray:
    """The noisy crop of one image of a gallery: float32 (h, h), nominal range [0,1], not clipped.

    It is made again from its label (:mod:`normeq.imaging.noise`), so that no noise need be stored.

    Args:
        part: what :func:`normeq.suite.measurements.gallery.gallery` returned.
        number: which image.
        sigma: 8-bit units.
    """
    dataset, _, name = json.loads(str(part["meta"]))["images"][number].partition("/")
    noise = PAPER.added(tuple(part["shapes"][number]), sigma, dataset, name, 0)
    row, column = part["crops"][number]
    clean = part["clean"][number]
    return clean / np.float32(255) + noise[row : row + clean.shape[0], column : column + clean.shape[1]]
