"""One noisy crop denoised on several intervals [a,b]: rows are denoisers, columns intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from normeq.suite.analysis.intervals import interval_name
from normeq.suite.figures.pixel_page import LINE, PixelPage, broken_name, heading_height
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import DPI, EM, line_styles, paper_style, save
from normeq.suite.results.pictures import INTERVAL_PICTURES, META, Part, crop_name, read_parts, training_name

FIGURE = FigureKind(
    help="One crop denoised on every interval [a,b].",
    order=40,
    reads="interval_pictures.npz",
)

CELL = 200  # pixels wanted for the longer side of a picture
GAP = 12
LEFT = 84


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
    height, width = first["clean"].shape
    zoom = max(1, round(CELL / max(height, width)))
    cell_w, cell_h = width * zoom, height * zoom
    columns = 1 + len(first["intervals"])
    page = LEFT + cell_w + 2 * GAP + LEFT + (columns - 1) * (cell_w + GAP) + 8
    title = f"The same noisy image on [a, b]: {crop_name(first)}"
    subtitle = "; ".join(
        filter(None, [
            training_name(parts),
            f"σ = {float(first['sigma']):g} (8-bit units); y → a + (b − a)·y, denoised, and back, "
            "clipped to [0, 1]; PSNR of the crop",
        ])
    )  # fmt: skip
    top = heading_height(title, subtitle, page) + LINE + 14
    pitch = cell_h + LINE + 20
    page = PixelPage(page, top + max(len(parts), 2) * pitch + 6)
    page.heading(title, subtitle)
    for row, (name, text) in enumerate(
        (("clean", "clean"), ("noisy", f"noisy, {float(first['psnr_in']):.2f} dB"))
    ):
        page.image(LEFT // 2, top + row * pitch, first[name], zoom)
        page.text(LEFT // 2 + cell_w / 2, top + row * pitch + cell_h + 7, text, ha="center")
    start = LEFT + cell_w + 2 * GAP + LEFT // 2
    for column, (a, b) in enumerate(first["intervals"]):
        x = start + column * (cell_w + GAP) + cell_w / 2
        page.text(x, top - 8, interval_name(a, b), ha="center", va="bottom", weight="bold")
    style = line_styles(pd.DataFrame([part.meta for part in parts]))
    names = {key: broken_name(look.label, 0) for key, look in style.items()}
    longest = max(len(line) for name in names.values() for line in name.split("\n"))
    size = min(8.5, 0.85 * pitch * 72 / DPI / (longest * EM * 1.18))  # no name reaches into the next row
    for row, part in enumerate(parts):
        y = top + row * pitch
        key = part.meta["network"], part.meta["variant"]
        page.text(
            start - LEFT / 2, y + cell_h / 2, names[key], rotation=90, ha="center", va="center", size=size,
            color=style[key].colour, weight="bold", linespacing=1.1, multialignment="center",
        )  # fmt: skip
        for column, picture in enumerate(part["denoised"]):
            x = start + column * (cell_w + GAP)
            page.image(x, y, picture, zoom)
            page.text(x + cell_w / 2, y + cell_h + 7, f"{part['psnr'][column]:.2f} dB", ha="center")
    return page.figure


def make(paths: Sequence[Path], out: Path) -> list[Path]:
    """Read the parts (one per denoiser) and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    parts = read_parts(paths, INTERVAL_PICTURES)
    with paper_style():
        return save(draw(parts), plotted(parts), out)
