"""PSNR over normalisation intervals [a,b]: does an arbitrary choice of range matter?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Unpack

from normeq.suite.config.settings import Option, Settings
from normeq.suite.measuring.presented import Normalise, presented
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import Datasets, Draws, Images, Intervals, Sigma, check_intervals
from normeq.suite.results.normalise import NOMINAL

if TYPE_CHECKING:
    from normeq.denoisers.open import Denoiser
    from normeq.suite.measuring.stream import Setup

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,a,b,normalise,draw,psnr,weights,pixels,measured_by,"
    "protocol"
).split(",")


class IntervalsSettings(Settings):
    """PSNR when the noisy image is mapped to [a,b] before the network, and back after it."""

    datasets: Datasets
    sigma: Annotated[Sigma, Option("--sigma", 25.0)]
    intervals: Intervals
    normalise: Normalise = NOMINAL
    draws: Draws = 1
    images: Images = None

    def check(self, fail: Callable[[str, str], None]) -> None:
        check_intervals(self.intervals, fail)

    def check_compared(self, fail: Callable[[str, str], None]) -> None:
        if (0, 1) not in self.intervals:
            fail("intervals", "[0, 1] is missing; the others are compared with it")


MEASUREMENT = Measurement(
    "intervals",
    IntervalsSettings,
    tuple(COLUMNS),
    follows_protocol=True,
    reuses_rows=True,
    far=True,
    unkeyed=(("normalise", NOMINAL),),
)


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigma: float,
    intervals: Sequence[tuple[float, float]],
    draws: int,
    normalise: str = NOMINAL,
    **setup: Unpack[Setup],
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, [a,b], draw), with the keys of :data:`COLUMNS`.

    The noisy image (σ in 8-bit units, nominal range [0,1]) is sent to [a,b], denoised there and sent back;
    the same noise serves for every interval. PSNR in dB after going back. [0,1] is one of the intervals: with
    ``minmax`` it too changes the image.

    Args:
        sigma: noise level in 8-bit units, > 0.
        intervals: pairs (a, b) with a < b.
        normalise: what goes to a and b, ``nominal`` or ``minmax`` (:func:`presented`).
        denoiser, datasets, draws, setup: as in :func:`normeq.suite.measurements.noise_levels.evaluate`.

    Raises:
        NormeqError: an interval without a < b.
    """
    from normeq.suite.measuring.stream import Setting, psnr_only, stream

    there = [(a, b, *presented(denoiser, b - a, a, normalise)) for a, b in intervals]
    settings = [
        Setting(
            {"sigma": sigma, "a": a, "b": b, "normalise": normalise, "draw": draw}, sigma, draw, moved, seen
        )
        for draw in range(draws)
        for a, b, moved, seen in there
    ]
    return stream(denoiser, datasets, settings, COLUMNS, psnr_only, **setup)
