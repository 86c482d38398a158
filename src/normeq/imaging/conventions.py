"""Conventions that others follow, each the paper's protocol with one thing changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from normeq.imaging.protocol import KAIR, PAPER, Protocol


@dataclass(frozen=True)
class Convention:
    """A protocol to compare with the paper's.

    Attributes:
        protocol: what is done; its name is that of the rows in ``protocols.csv``.
        words: the same in words.
        users: code that does it (read in its source), or where it is discussed.
        quantity: column of the long table that it is about.
    """

    protocol: Protocol
    words: str
    users: str
    quantity: str = "psnr"


CONVENTIONS = (
    Convention(KAIR, "preset `kair`: the next two together", "KAIR, DPIR, Restormer"),
    Convention(
        replace(PAPER, name="8-bit output", round_output=True),
        "output rounded to 8 bits",
        "DnCNN, FFDNet, DPIR, KAIR, Restormer",
    ),
    Convention(
        replace(PAPER, name="reset seed", reset_seed=True),
        "noise seed 0 before every image",
        "DPIR, KAIR, Restormer",
    ),
    Convention(
        replace(PAPER, name="raw output", clip_output=False), "output not clipped", "none that was read"
    ),
    Convention(
        replace(PAPER, name="clipped input", clip_input=True),
        "noisy image clipped",
        "asked about in KAIR, SwinIR, FFDNet, SCUNet",
    ),
    Convention(
        replace(PAPER, name="8-bit input", round_input=True),
        "noisy image clipped and rounded to 8 bits",
        "noisy images kept as files; N2V issue 74",
    ),
    Convention(
        replace(PAPER, name="studio range", studio_range=True),
        "gray sent to 16…235 before noise of the same σ",
        "mmagic's Restormer",
    ),
    Convention(
        replace(PAPER, name="bt709", bt709=True),
        "colour files to gray by BT.709",
        "scikit-image's rgb2gray",
    ),
    Convention(
        replace(PAPER, name="border 4", border=4),
        "4 pixels shaved off each side",
        "super-resolution",
    ),
    Convention(
        replace(PAPER, name="uniform ssim", ssim_window="uniform"),
        "SSIM with scikit-image's defaults",
        "BF-CNN, Saied & Fleuret",
        quantity="ssim",
    ),
)
