"""Batches of noisy training patches, drawn on the device from (seed, step) alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from normeq.errors import NormeqError
from normeq.imaging.noise import DEFAULT, get_noise


class PatchSampler:
    """Random crops with 8-fold augmentation and noise.

    The images live on the device as bytes, and a batch is a few tensor operations there: no work per image,
    no copies. Every draw is a function of (seed, step): a resumed run continues exactly without a stored
    generator state, networks trained with the same seed see the same patches and the same noise, and several
    devices can share a batch. (Devices of different kinds have different generators.)

    Args:
        images: gray images, uint8, shape (H, W) each; images smaller than the patch are left out.
        patch: side of the patches in pixels; every position of every image is equally likely.
        batch: patches per step.
        sigma_range: lowest and highest noise level in 8-bit units, drawn uniformly per patch.
        seed: see above.
        device: where batches are made. The images stay in main memory if they would fill more than half of
            the free memory of a GPU.
        noise: its type, a name of :func:`normeq.imaging.noise.noise_names`.

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
        device: torch.device,
        noise: str = DEFAULT,
    ) -> None:
        images = [image for image in images if min(image.shape) >= patch]
        if not images:
            raise NormeqError(f"no training image is as large as a patch of {patch}×{patch} pixels")
        self.patch, self.batch, self.sigma_range, self.seed = patch, batch, sigma_range, seed
        self.device, self.noise = device, get_noise(noise)
        self.pixels = torch.from_numpy(np.concatenate([image.ravel() for image in images]))
        if device.type != "cuda" or self.pixels.numel() < torch.cuda.mem_get_info(device)[0] / 2:
            self.pixels = self.pixels.to(device)

        def column(values: Sequence[int]) -> Tensor:
            return torch.tensor(values, dtype=torch.int64, device=device)

        self.starts = column([0, *np.cumsum([image.size for image in images])[:-1]])
        self.widths = column([image.shape[1] for image in images])
        positions = [(h - patch + 1) * (w - patch + 1) for h, w in (image.shape for image in images)]
        self.positions = sum(positions)
        self.last_position = column(np.cumsum(positions).tolist())
        self.first_position = self.last_position - column(positions)

    def draw(self, step: int, part: slice = slice(None)) -> tuple[Tensor, Tensor, Tensor]:
        """Draw the batch of one step.

        Args:
            step: number of the step.
            part: patches of the batch wanted here, where several devices share it.

        Returns:
            Noisy patches and clean patches, (N, 1, P, P) float32 with the clean ones in [0,1] (noise is not
            clipped), and the noise levels (N,) in units of [0,1].
        """
        digest = hashlib.blake2b(f"{self.seed} {step}".encode(), digest_size=8).digest()
        generator = torch.Generator(self.device).manual_seed(int.from_bytes(digest) >> 1)
        options = {"generator": generator, "device": self.device}
        side, shape = self.patch, (self.batch,)
        position = torch.randint(self.positions, shape, **options)
        symmetry = torch.randint(8, shape, **options)
        low, high = (bound / 255 for bound in self.sigma_range)
        sigma = low + (high - low) * torch.rand(shape, **options)
        noise = self.noise.unit_tensor((self.batch, 1, side, side), **options)

        image = torch.searchsorted(self.last_position, position, right=True)
        offset, width = position - self.first_position[image], self.widths[image]
        free = width - side + 1
        corner = self.starts[image] + offset // free * width + offset % free
        transposed = (symmetry & 4).bool()
        forward = torch.arange(side, device=self.device)

        def walk(flip: Tensor, stride: Tensor) -> Tensor:
            return torch.where(flip.bool()[:, None], side - 1 - forward, forward) * stride[:, None]

        down = walk(symmetry & 1, torch.where(transposed, 1, width))
        right = walk(symmetry & 2, torch.where(transposed, width, 1))
        index = (corner[:, None, None] + down[:, :, None] + right[:, None, :])[part]
        clean = self.pixels[index.to(self.pixels.device)].to(self.device).float().unsqueeze(1) / 255
        sigma = sigma[part]
        return torch.addcmul(clean, sigma.view(-1, 1, 1, 1), noise[part]), clean, sigma
