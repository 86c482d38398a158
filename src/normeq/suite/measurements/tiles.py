"""An image denoised whole and in tiles: what differs, without and with a halo around a tile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Unpack

from pydantic import Field

from normeq.suite.config.settings import Option, Settings
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import Datasets, Images, Sigma

if TYPE_CHECKING:
    from torch import Tensor

    from normeq.denoisers.open import Denoiser
    from normeq.imaging.metrics import Reference
    from normeq.imaging.protocol import Protocol
    from normeq.suite.measuring.stream import Setup

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,tile,halo,margin,draw,difference,seam,psnr,"
    "psnr_whole,weights,pixels,measured_by,protocol"
).split(",")
HALOS = ("none", "receptive field")


class Tiles(Settings):
    """An image denoised whole and in tiles, without a halo and with one of the receptive field."""

    datasets: Datasets
    sigma: Annotated[Sigma, Option("--sigma", 25.0)]
    images: Images = None
    tile: Annotated[
        int, Field(ge=16, multiple_of=16, description="Side of the tiles in pixels, a multiple of 16.")
    ] = 64
    halo: Annotated[
        int,
        Field(ge=1, description="Pixels around a tile, where it is not known how far a denoiser sees."),
    ] = 32


MEASUREMENT = Measurement(
    "tiles", Tiles, tuple(COLUMNS), of="first", labels=("tile", "halo", "margin"), reuses_rows=True
)


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigma: float,
    tile: int,
    halo: int,
    **setup: Unpack[Setup],
) -> Iterator[dict[str, object]]:
    """Yield one row per image and halo, with the keys of :data:`COLUMNS`.

    ``difference`` is the largest between the image denoised whole and in tiles, ``seam`` the largest step
    across an edge of a tile that the whole does not have, both in gray levels (255ths of the nominal range);
    ``psnr`` that of the tiled image and ``psnr_whole`` of the whole, in dB. ``margin`` is the halo in pixels.

    Args:
        denoiser, datasets, setup: as in :func:`normeq.suite.measurements.noise_levels.evaluate`.
        sigma: noise level in 8-bit units.
        tile: side of the tiles in pixels, without their halo.
        halo: pixels around a tile, where it is not known how far the denoiser sees.
    """
    from normeq.suite.measuring.stream import Setting, stream

    margins = dict(zip(HALOS, (0, receptive_field(denoiser, halo)), strict=True))
    settings = [
        Setting(
            {"sigma": sigma, "draw": 0, "tile": tile, "halo": name, "margin": margin},
            sigma,
            0,
            replace(denoiser, function=partial(in_tiles, denoiser, tile, margin)),
        )
        for name, margin in margins.items()
    ]
    return stream(denoiser, datasets, settings, COLUMNS, Comparison(denoiser, sigma, tile), **setup)


def receptive_field(denoiser: Denoiser, otherwise: int) -> int:
    """Pixels that a denoiser sees on each side of one, up to a multiple of 16; of a wrapped network, what the
    network inside sees; ``otherwise`` where it is not known."""
    from normeq.nn.reach import reach

    network = denoiser.module
    found = None if network is None else reach(network)
    return otherwise if found is None else math.ceil(found.halo / 16) * 16


def in_tiles(denoiser: Denoiser, tile: int, margin: int, y: Tensor, sigma: float) -> Tensor:
    """Denoise (N, 1, H, W) tile by tile, each with ``margin`` pixels around it where the image has them."""
    import torch

    output = torch.empty_like(y)
    height, width = y.shape[-2:]
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = min(margin, top), min(margin, left)
            given = y[..., top - above : top + tile + margin, left - before : left + tile + margin]
            answer = denoiser.function(given.contiguous(), sigma)
            output[..., top : top + tile, left : left + tile] = answer[
                ..., above : above + tile, before : before + tile
            ]
    return output


class Comparison:
    """Numbers of each image in tiles beside the image denoised whole, which is computed once.

    Args:
        denoiser: what denoises.
        sigma: noise level in 8-bit units.
        tile: side of the tiles in pixels.
    """

    def __init__(self, denoiser: Denoiser, sigma: float, tile: int) -> None:
        self.denoiser, self.sigma, self.tile = denoiser, sigma, tile
        self.noisy: Tensor | None = None

    def __call__(
        self, protocol: Protocol, reference: Reference, noisy: Tensor, output: Tensor
    ) -> Iterator[dict[str, float]]:
        from normeq.suite.measuring.batches import denoise

        if self.noisy is not noisy:
            self.noisy, self.whole = noisy, denoise(self.denoiser, noisy, self.sigma)
        error = (output - self.whole) * 255
        columns = {
            "difference": error.abs().amax(dim=(1, 2)).tolist(),
            "seam": [largest_step(one, self.tile) for one in error],
            "psnr": protocol.psnr(reference, output),
            "psnr_whole": protocol.psnr(reference, self.whole),
        }
        return (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))


def largest_step(error: Tensor, tile: int) -> float:
    """Largest step of an image (H, W) across an edge between tiles; 0 where there is one tile."""
    edges = [error.diff(dim=axis).index_select(axis, _edges(error, axis, tile)) for axis in (0, 1)]
    return max((float(edge.abs().max()) for edge in edges if edge.numel()), default=0.0)


def _edges(error: Tensor, axis: int, tile: int) -> Tensor:
    import torch

    last = tile - 1  # of the first tile, which may reach beyond the image
    return torch.arange(last, max(error.shape[axis] - 1, last), tile, device=error.device)
