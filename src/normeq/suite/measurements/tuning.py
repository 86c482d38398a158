"""Scale tuning and shift tuning: how far one gets without equivariance, by choosing the range of the input.

A network that is not equivariant can be given an input that suits it: λ·f(y/λ) brings the noise to the level
of training (*scale tuning*), f(y - μ) + μ moves the gray values (*shift tuning*). The authors' notebook shows
both, with λ = 3 at σ = 75 for a network trained at 25, that is λ = σ/σ_train, and μ = 0.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Unpack

from normeq.nn.variants import CHANGES, VARIANTS
from normeq.suite.config.settings import Settings
from normeq.suite.measuring.presented import presented
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import Datasets, Draws, Images, Middle, Scales, Shifts, Sigmas

if TYPE_CHECKING:
    from normeq.denoisers.open import Denoiser
    from normeq.suite.measuring.stream import Setup

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,draw,tuning,scale,shift,psnr,weights,pixels,"
    "measured_by,protocol,size"
).split(",")


class Tuning(Settings):
    """Scale tuning λ·f(y/λ) of the ordinary network and shift tuning f(y − μ) + μ of the ordinary and the
    scale-equivariant one, as baselines; the λ and μ among which an oracle chooses, for each image and noise
    level."""

    datasets: Datasets
    sigmas: Sigmas
    scales: Scales
    shifts: Shifts
    draws: Draws = 1
    images: Images = None
    size: Middle = 0


MEASUREMENT = Measurement("tuning", Tuning, tuple(COLUMNS), follows_protocol=True, reuses_rows=True)


def settings(
    denoiser: Denoiser, sigma: float, scales: Sequence[float], shifts: Sequence[float]
) -> list[tuple[str, float, float]]:
    """What is tried at one noise level: (tuning, λ, μ).

    ``none`` is the denoiser as it is; ``known`` takes λ = σ/σ_train, for which σ must be known but no clean
    image (only for what was trained at one level); ``scale`` and ``shift`` are the grid among which an oracle
    chooses.

    Args:
        sigma: 8-bit units.
        scales: λ of λ·f(y/λ), above 0.
        shifts: μ of f(y - μ) + μ, in units of the nominal range [0,1].
    """
    from normeq.suite.results.long_tables import train_range

    known = VARIANTS.get(denoiser.variant)
    kinds = known.tuned if known else CHANGES  # tuning would change nothing where it is equivariant to it
    tried = [("none", 1.0, 0.0)]
    trained = train_range(denoiser.train_sigma)
    if "scale" in kinds:
        if trained and trained[0] == trained[1]:
            tried.append(("known", sigma / trained[0], 0.0))
        tried += [("scale", float(scale), 0.0) for scale in scales]
    if "shift" in kinds:
        tried += [("shift", 1.0, float(shift)) for shift in shifts]
    return tried


def evaluate(
    denoiser: Denoiser,
    datasets: Sequence[str],
    sigmas: Sequence[float],
    scales: Sequence[float],
    shifts: Sequence[float],
    draws: int,
    **setup: Unpack[Setup],
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, σ, draw, tuning), with the keys of :data:`COLUMNS`; see :func:`settings`.

    PSNR in dB after going back to the nominal range [0,1]. ``scale`` and ``shift`` are λ and μ.

    Args:
        sigmas, scales, shifts: as in :func:`settings`.
        denoiser, datasets, draws, setup: as in :func:`normeq.suite.measurements.noise_levels.evaluate`.

    Raises:
        NormeqError: λ that is not positive.
    """
    from normeq.suite.measuring.stream import Setting, psnr_only, stream

    tried = [
        Setting(
            {"sigma": sigma, "draw": draw, "tuning": kind, "scale": scale, "shift": shift},
            sigma,
            draw,
            *presented(denoiser, 1 / scale, -shift),
        )
        for sigma in sigmas
        for draw in range(draws)
        for kind, scale, shift in settings(denoiser, sigma, scales, shifts)
    ]
    return stream(denoiser, datasets, tried, COLUMNS, psnr_only, **setup)
