"""One noisy crop denoised on several intervals [a,b]: rows are denoisers, columns intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from normeq.suite.analysis.intervals import interval_name
from normeq.suite.figures.range_pictures import draw_ranges
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import write
from normeq.suite.results.normalise import SENT
from normeq.suite.results.pictures import INTERVAL_PICTURES, META, Part, crop_name, read_parts, training_name

FIGURE = FigureKind(
    help="One crop denoised on every interval [a,b].",
    order=40,
    reads="interval_pictures.npz",
)


def plotted(parts: Sequence[Part]) -> pd.DataFrame:
    """The numbers under the pictures: PSNR (dB) of the crop, noisy and per denoiser and interval."""
    first = parts[0]
    shared = {key: first.meta[key] for key in ("dataset", "image", "crop")} | {"sigma": float(first["sigma"])}
    rows = [{**shared, "picture": "noisy", "psnr": float(first["psnr_in"])}]
    rows += [
        {**part.meta, "sigma": float(part["sigma"]), "picture": "denoised", "a": a, "b": b, "psnr": psnr}
        for part in parts
        for (a, b), psnr in zip(part["intervals"], part["psnr"], strict=True)
    ]
    return pd.DataFrame(rows)[[*META, "sigma", "picture", "a", "b", "psnr"]]


def draw(parts: Sequence[Part]) -> Figure:
    """Clean and noisy crop at the left, the denoised ones beside them."""
    first = parts[0]
    subtitle = "; ".join(
        filter(None, [
            training_name(parts),
            f"σ = {float(first['sigma']):g} (8-bit units); {SENT[first.normalise]}, denoised, and back, "
            "clipped to [0, 1]; PSNR of the crop",
        ])
    )  # fmt: skip
    names = [interval_name(a, b) for a, b in first["intervals"]]
    return draw_ranges(parts, names, f"The same noisy image on [a, b]: {crop_name(first)}", subtitle)


def make(paths: Sequence[Path], out: Path) -> list[Path]:
    """Read the parts (one per denoiser) and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    parts = read_parts(paths, INTERVAL_PICTURES)
    return write(lambda: draw(parts), plotted(parts), out)
