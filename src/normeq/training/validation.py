"""PSNR on training images that were kept out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from normeq.imaging.metrics import psnr
from normeq.imaging.noise import labelled_noise
from normeq.training.spec import RunSpec


@torch.no_grad()
def validate(
    network: nn.Module,
    spec: RunSpec,
    images: Sequence[np.ndarray],
    names: Sequence[str],
    device: torch.device,
) -> float:
    """Mean PSNR (dB) over held-out training images, at the middle of the noise range.

    Args:
        network: on ``device``; left in training mode.
        spec: the run: its data set and noise range (8-bit units).
        images: uint8, (H, W) each.
        names: their names, which decide the noise.
        device: where to compute.
    """
    sigma = sum(spec.sigma_range) / 2
    network.eval()
    values = []
    for image, name in zip(images, names, strict=True):
        clean = image.astype(np.float32) / 255
        noisy = clean + labelled_noise(clean.shape, sigma, spec.dataset, name, 0, spec.noise)
        output = network(torch.from_numpy(noisy)[None, None].to(device), sigma / 255)
        values.append(psnr(output[0, 0], clean))
    network.train()
    return float(np.mean(values))
