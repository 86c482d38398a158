"""The protocol: every convention between an image file and a number, in one object.

Two laboratories that run the same weights get other dB by other conventions (docs/protocol.md). What this
suite does is a :class:`Protocol`; what others do differs from it in single fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from normeq.errors import NormeqError
from normeq.nn.variants import VARIANTS, Variant

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from normeq.imaging.metrics import Reference

# |mean| in standard deviations of the image, beyond which it is taken out. Of the 24 binary digits of float32
# an offset of 64 = 2⁶ takes 6, less than what the layers round anyway; photographs on any interval of our
# configs lie below but for a few with little contrast (7 of BSD68 on [10, 11]), and what loses hundredths of
# a dB or more lies beyond 1000.
FAR = 64.0


NOISE_WORDS = {"gaussian": "Gaussian", "laplace": "Laplace"}


@dataclass(frozen=True)
class Protocol:
    """How images become numbers.

    Attributes:
        name: as on the command line and in the tables.
        noise: type of the noise, a name of :func:`normeq.imaging.noise.noise_names`.
        reset_seed: noise of draw n is NumPy's legacy generator with seed n, started anew for every image, so
            that images of one size get the same noise (KAIR); otherwise it is keyed by the label of
            (data set, image, σ, draw).
        clip_input: noisy images are clipped to [0,1] before the denoiser sees them.
        round_input: they are also rounded to 8 bits.
        clip_output: denoised images are clipped to [0,1] before they are compared.
        round_output: they are also rounded to 8 bits.
        studio_range: clean images are sent to the range 16…235 of 8-bit video luma first, at unchanged σ.
        bt709: colour becomes gray by the weights of BT.709; otherwise by Pillow (BT.601).
        border: pixels shaved off each side before comparing.
        ssim_window: see :func:`normeq.imaging.metrics.ssim`.
    """

    name: str
    noise: str = "gaussian"
    reset_seed: bool = False
    clip_input: bool = False
    round_input: bool = False
    clip_output: bool = True
    round_output: bool = False
    studio_range: bool = False
    bt709: bool = False
    border: int = 0
    ssim_window: str = "gaussian"

    def clean(self, image: np.ndarray) -> np.ndarray:
        """The clean image as it is compared with: (H, W) float32 in [0,1]."""
        import numpy as np

        return (np.float32(16) + np.float32(219) * image) / np.float32(255) if self.studio_range else image

    def added(self, shape: tuple[int, ...], sigma: float, dataset: str, name: str, draw: int) -> np.ndarray:
        """The noise of an image of that shape: float32, in units of [0,1]."""
        from normeq.imaging.noise import labelled_noise, reset_noise

        if self.reset_seed:
            return reset_noise(shape, sigma, draw)
        return labelled_noise(shape, sigma, dataset, name, draw, self.noise)

    def noisy(self, clean: np.ndarray, sigma: float, dataset: str, name: str, draw: int) -> np.ndarray:
        """The noisy image as the denoiser gets it: float32 (H, W), σ in 8-bit units."""
        noisy = clean + self.added(clean.shape, sigma, dataset, name, draw)
        if self.round_input:
            return (noisy.clip(0, 1) * 255).round() / noisy.dtype.type(255)
        return noisy.clip(0, 1) if self.clip_input else noisy

    def reference(self, clean: Tensor) -> Reference:
        """What outputs are compared with; ``clean``: (N, H, W)."""
        from normeq.imaging.metrics import Reference

        return Reference(clean, self.border)

    def psnr(self, reference: Reference, output: Tensor) -> list[float]:
        """PSNR in dB of each denoised image (N, H, W)."""
        return reference.psnr(output, clip=self.clip_output, round_8bit=self.round_output)

    def ssim(self, reference: Reference, output: Tensor) -> list[float]:
        """SSIM of each denoised image (N, H, W)."""
        from normeq.imaging.metrics import to_8bit

        return reference.ssim(to_8bit(output.double()) if self.round_output else output, self.ssim_window)

    def card(self, variants: Iterable[Variant] = VARIANTS.values()) -> dict[str, str]:
        """What is done, in words: subject to convention.

        Args:
            variants: those whose padding is described.
        """
        variants = tuple(variants)
        gray = "BT.709 luma" if self.bt709 else 'Pillow\'s convert("L") (BT.601 luma, rounded to 8 bits)'
        given = "clipped to [0,1]" if self.clip_input else "not clipped, not rounded"
        output = "clipped to [0,1], not rounded" if self.clip_output else "as it is"
        return {
            "gray images": f"files as they are; colour through {gray}"
            + ("; then sent to 16…235" if self.studio_range else ""),
            "noise": f"white {NOISE_WORDS.get(self.noise, self.noise)}, "
            "standard deviation σ/255 on images in [0,1]",
            "seed of the noise": "NumPy's legacy generator, seed n for draw n, started anew for every image"
            if self.reset_seed
            else "Philox keyed by the SHA-256 of (data set, image, σ, draw): the same for every denoiser",
            "draws": "averaged within the image; so are training seeds",
            "input": "clipped to [0,1] and rounded to 8 bits" if self.round_input else given,
            "output": "clipped to [0,1] and rounded to 8 bits" if self.round_output else output,
            "PSNR": "10·log10(1/MSE) of each image, then the mean over images",
            "input PSNR": "of the noisy image: unclipped (psnr_in, 20·log10(255/σ) in expectation), "
            "and clipped to [0,1] (psnr_in_clipped)",
            "SSIM": "Wang et al. 2004: Gaussian window σ = 1.5, 11×11, population covariance, data range 1"
            if self.ssim_window == "gaussian"
            else "scikit-image's default: uniform window 7×7, sample covariance, data range 1",
            "borders": f"{self.border} pixels shaved off each side" if self.border else "every pixel counts",
            "intervals [a,b]": "y becomes a + (b − a)·y, is denoised, goes back; a given σ is scaled alike",
            "far from zero": _centring(variants),
            "arithmetic": "networks in float32, TF32 off; PSNR and SSIM in float64",
            "padding": f"inside the networks: {_paddings(variants)}; "
            "DRUNet is mirrored at the right and the bottom up to a multiple of its scales",
        }


def _paddings(variants: Iterable[Variant]) -> str:
    """``zeros (ordinary, scale), mirrored (norm)``."""
    kinds: dict[str, list[str]] = {}
    for variant in variants:
        kinds.setdefault(variant.padding, []).append(variant.name)
    return ", ".join(f"{kind} ({', '.join(names)})" for kind, names in kinds.items())


def _centring(variants: Iterable[Variant]) -> str:
    """Which variants get images without their mean, and when."""
    names = ", ".join(variant.name for variant in variants if variant.centred)
    if not names:
        return "images as they are"
    return (
        f"where |mean| of an image exceeds {FAR:g} of its standard deviations, it is taken out first and put "
        f"back in float64 ({names})"
    )


PAPER = Protocol("paper")
KAIR = Protocol("kair", reset_seed=True, round_output=True)
PRESETS = {protocol.name: protocol for protocol in (PAPER, KAIR)}


def get_protocol(name: str, noise: str = "gaussian") -> Protocol:
    """A preset by name, or as tables write it; with another noise ``paper+laplace``.

    Raises:
        NormeqError: there is none of that name, or no such noise, or KAIR's generator does not make it.
    """
    name, _, named = name.partition("+")
    noise = named or noise
    if name not in PRESETS:
        raise NormeqError(f"unknown protocol {name!r}: choose from {', '.join(PRESETS)}")
    if noise == "gaussian":
        return PRESETS[name]
    from normeq.imaging.noise import get_noise

    get_noise(noise)
    if PRESETS[name].reset_seed:
        raise NormeqError(f"protocol {name} has Gaussian noise only, not {noise}")
    return replace(PRESETS[name], name=f"{name}+{noise}", noise=noise)
