"""PSNR and SSIM over noise levels: does a network trained at one σ work at others?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Unpack

from normeq.suite.config.settings import Settings
from normeq.suite.measuring.registry import Measurement
from normeq.suite.measuring.settings import Datasets, Draws, Images, Sigmas

if TYPE_CHECKING:
    from torch import Tensor

    from normeq.denoisers.open import Denoiser
    from normeq.imaging.metrics import Reference
    from normeq.imaging.protocol import Protocol
    from normeq.suite.measuring.stream import Setup

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,draw,psnr_in,psnr,ssim,psnr_in_clipped,"
    "psnr_8bit,weights,pixels,measured_by,protocol"
).split(",")


class NoiseLevels(Settings):
    """PSNR and SSIM at each noise level."""

    datasets: Datasets
    sigmas: Sigmas
    draws: Draws = 1
    images: Images = None


MEASUREMENT = Measurement(
    "noise_levels", NoiseLevels, tuple(COLUMNS), follows_protocol=True, reuses_rows=True
)


def evaluate(
    denoiser: Denoiser, datasets: Sequence[str], sigmas: Iterable[float], draws: int, **setup: Unpack[Setup]
) -> Iterator[dict[str, object]]:
    """Yield one row per (image, σ, draw), with the keys of :data:`COLUMNS`.

    ``psnr_in`` is that of the noisy image as it is, with the paper's protocol 20·log10(255/σ) in expectation;
    ``psnr_in_clipped`` clips it to [0,1] first; ``psnr`` and ``ssim`` are those of the protocol;
    ``psnr_8bit`` is that of the output clipped and rounded to 8 bits. All in dB, SSIM in [-1,1].

    Args:
        denoiser: what to evaluate; it gets unclipped noisy images.
        datasets: names in the data registry.
        sigmas: noise levels in 8-bit units, > 0.
        draws: noise realisations per image and σ.
        setup: device and more, see :class:`normeq.suite.measuring.stream.Setup`.
    """
    from normeq.suite.measuring.stream import Setting, stream

    settings = [
        Setting({"sigma": sigma, "draw": draw}, sigma, draw, denoiser)
        for sigma, draw in product(sigmas, range(draws))
    ]
    return stream(denoiser, datasets, settings, COLUMNS, judge, **setup)


def judge(
    protocol: Protocol, reference: Reference, noisy: Tensor, output: Tensor
) -> Iterator[dict[str, float]]:
    """The numbers of each image of a batch; noisy and denoised images are (N, H, W)."""
    numbers = {
        "psnr_in": reference.psnr(noisy, clip=False),
        "psnr": protocol.psnr(reference, output),
        "ssim": protocol.ssim(reference, output),
        "psnr_in_clipped": reference.psnr(noisy),
        "psnr_8bit": reference.psnr(output, round_8bit=True),
    }
    return (dict(zip(numbers, values, strict=True)) for values in zip(*numbers.values(), strict=True))
