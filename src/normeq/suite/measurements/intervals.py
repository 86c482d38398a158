"""PSNR over normalisation intervals [a,b]: does an arbitrary choice of range matter?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Unpack

from normeq.denoisers.open import Denoiser
from normeq.equivariance.ranges import in_interval
from normeq.suite.measurements.stream import Setting, Setup, psnr_only, stream

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,a,b,draw,psnr,weights,pixels,measured_by,protocol"
).split(",")


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigma: float,
    intervals: Sequence[tuple[float, float]],
    draws: int,
    **setup: Unpack[Setup],
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, [a,b], draw), with the keys of :data:`COLUMNS`.

    The noisy image (σ in 8-bit units, nominal range [0,1]) is sent to [a,b], denoised there and sent back;
    the same noise serves for every interval. PSNR in dB after going back.

    Args: as in :func:`normeq.suite.measurements.noise_levels.evaluate`.

    Raises:
        NormeqError: an interval without a < b.
    """
    there = [(a, b, replace(denoiser, function=in_interval(denoiser.function, a, b))) for a, b in intervals]
    settings = [
        Setting({"sigma": sigma, "a": a, "b": b, "draw": draw}, sigma, draw, moved, (b - a, a))
        for draw in range(draws)
        for a, b, moved in there
    ]
    return stream(denoiser, datasets, settings, COLUMNS, psnr_only, **setup)
