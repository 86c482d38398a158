"""A 16-bit image with an offset and a small range, denoised with several choices of black and white."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from normeq.suite.figures.range_pictures import draw_ranges
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import write
from normeq.suite.measurements.microscopy import NAMES
from normeq.suite.results.pictures import META, MICROSCOPY, Part, crop_name, read_parts, training_name

FIGURE = FigureKind(
    help="A 16-bit image with an offset, denoised with several choices of black and white.",
    order=45,
    reads="microscopy.npz",
)


def plotted(parts: Sequence[Part]) -> pd.DataFrame:
    """The numbers of the page: PSNR (dB) of the crop by denoiser and choice, black and white in counts."""
    rows = [
        {
            **part.meta,
            "sigma": float(part["sigma"]),
            "range": name,
            "black": black,
            "white": white,
            "psnr": psnr,
        }
        for part in parts
        for name, (black, white), psnr in zip(NAMES, part["ranges"], part["psnr"], strict=True)
    ]
    return pd.DataFrame(rows)[[*META, "sigma", "range", "black", "white", "psnr"]]


def make(paths: Sequence[Path], out: Path) -> list[Path]:
    """Read the parts (one per denoiser) and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    parts = read_parts(paths, MICROSCOPY)
    first = parts[0]
    offset, span = first["counts"]
    heads = [
        f"{name}\n{black:.0f} to {white:.0f}"
        for name, (black, white) in zip(NAMES, first["ranges"], strict=True)
    ]
    title = f"Which values are black and white? A 16-bit image made from a photograph: {crop_name(first)}"
    noise = float(first["sigma"]) / 255 * span
    subtitle = "; ".join(
        filter(None, [
            training_name(parts),
            f"counts = {offset:.0f} + {span:.0f}·(photograph on [0, 1]), noise of {noise:.0f} counts "
            f"(σ = {float(first['sigma']):g} in 8-bit units); columns: the range that is "
            "taken; PSNR of the crop",
        ])
    )  # fmt: skip
    return write(lambda: draw_ranges(parts, heads, title, subtitle), plotted(parts), out)
