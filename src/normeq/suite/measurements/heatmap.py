"""PSNR over a grid of scales and shifts: what any range of the image would give, not only a few intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Unpack

from normeq.suite.config.settings import Option, Settings
from normeq.suite.measuring.presented import Normalise, presented
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import Datasets, Draws, Images, Middle, Scales, Shifts, Sigma
from normeq.suite.results.normalise import NOMINAL

if TYPE_CHECKING:
    from normeq.denoisers.open import Denoiser
    from normeq.suite.measuring.stream import Setup

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,scale,shift,normalise,draw,psnr,weights,pixels,"
    "measured_by,protocol,size"
).split(",")


class Heatmap(Settings):
    """PSNR over a grid of ranges, the image sent to [shift, shift + scale] before the network and back after
    it; what is lost is against scale 1, shift 0, which must be among them."""

    datasets: Datasets
    sigma: Annotated[Sigma, Option("--sigma", 25.0)]
    scales: Scales
    shifts: Shifts
    normalise: Normalise = NOMINAL
    draws: Draws = 1
    images: Images = None
    size: Middle = 0

    def check_compared(self, fail: Callable[[str, str], None]) -> None:
        for key, nominal in (("scales", 1), ("shifts", 0)):
            if nominal not in getattr(self, key):
                fail(key, f"{nominal} is missing; the others are compared with it")


MEASUREMENT = Measurement(
    "heatmap",
    Heatmap,
    tuple(COLUMNS),
    of="each",
    follows_protocol=True,
    reuses_rows=True,
    far=True,
    unkeyed=(("normalise", NOMINAL),),
)


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigma: float,
    scales: Sequence[float],
    shifts: Sequence[float],
    draws: int,
    normalise: str = NOMINAL,
    **setup: Unpack[Setup],
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, draw, scale, shift), with the keys of :data:`COLUMNS`.

    The noisy image is sent to [a, b] with a = shift and b - a = scale, denoised there and sent back; PSNR in
    dB after that. Scale 1 with shift 0 is always there, to compare with. The same noise serves for the whole
    grid.

    Args:
        sigma: 8-bit units; a noise map gets it times the scale.
        scales, shifts: in units of the nominal range [0,1]; scales above 0.
        normalise: what goes to a and b, ``nominal`` or ``minmax`` (:func:`presented`).
        datasets, draws, setup: as in :func:`normeq.suite.measurements.noise_levels.evaluate`.

    Raises:
        NormeqError: a scale that is not positive.
    """
    from normeq.suite.measuring.stream import Setting, psnr_only, stream

    grid = dict.fromkeys([(1.0, 0.0), *((float(k), float(m)) for k in scales for m in shifts)])
    there = [(k, m, *presented(denoiser, k, m, normalise)) for k, m in grid]
    settings = [
        Setting(
            {"sigma": sigma, "scale": scale, "shift": shift, "normalise": normalise, "draw": draw},
            sigma,
            draw,
            moved,
            seen,
        )
        for draw in range(draws)
        for scale, shift, moved, seen in there
    ]
    return stream(denoiser, datasets, settings, COLUMNS, psnr_only, **setup)
