"""Batches of noisy training patches, drawn from (seed, step) alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from normeq.errors import NormeqError


class PatchSampler:
    """Random crops with 8-fold augmentation and Gaussian noise.

    Every draw is a function of (seed, step): a resumed run continues exactly, without a stored generator
    state, and networks trained with the same seed see the same patches and the same noise.

    Args:
        images: gray images, uint8, shape (H, W) each; images smaller than the patch are left out.
        patch: side of the patches in pixels.
        batch: patches per step.
        sigma_range: lowest and highest noise level in 8-bit units, drawn uniformly per patch.
        seed: see above.

    Raises:
        NormeqError: no image is as large as a patch.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        patch: int,
        batch: int,
        sigma_range: tuple[float, float],
        seed: int,
    ) -> None:
        self.images = [image for image in images if min(image.shape) >= patch]
        if not self.images:
            raise NormeqError(f"no training image is as large as a patch of {patch}×{patch} pixels")
        self.patch, self.batch, self.sigma_range, self.seed = patch, batch, sigma_range, seed
        # Every pixel position is equally likely, whatever the size of its image.
        weights = np.array([image.size for image in self.images], dtype=np.float64)
        self.weights = weights / weights.sum()

    def draw(self, step: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Draw the batch of one step.

        Returns:
            Noisy patches and clean patches, (N, 1, P, P) float32 with the clean ones in [0,1] (noise is not
            clipped), and the noise levels (N,) in units of [0,1].
        """
        rng = np.random.default_rng([self.seed, step])
        size = self.patch
        crops = np.empty((self.batch, 1, size, size), dtype=np.uint8)
        for n, index in enumerate(rng.choice(len(self.images), self.batch, p=self.weights)):
            image = self.images[index]
            top = rng.integers(image.shape[0] - size + 1)
            left = rng.integers(image.shape[1] - size + 1)
            crop = np.rot90(image[top : top + size, left : left + size], rng.integers(4))
            crops[n, 0] = crop[:, ::-1] if rng.integers(2) else crop
        sigma = torch.from_numpy(rng.uniform(*self.sigma_range, self.batch).astype(np.float32) / 255).to(
            device
        )
        clean = torch.from_numpy(crops).to(device).float() / 255
        generator = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
        noise = torch.randn(clean.shape, generator=generator, device=device)
        return clean + sigma.view(-1, 1, 1, 1) * noise, clean, sigma
