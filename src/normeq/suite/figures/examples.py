"""Denoised pictures side by side: rows are noise levels; columns noisy image, denoisers, clean image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from normeq.suite.figures.pixel_page import LINE, PixelPage, broken_name, heading_height
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import INK, line_styles, write
from normeq.suite.results.pictures import EXAMPLES, META, Part, crop_name, read_parts, training_name

FIGURE = FigureKind(
    help="Noisy, denoised and clean pictures side by side.",
    order=80,
    reads="examples.npz",
)

CELL = 280  # pixels wanted for the longer side of a picture
GAP = 14
LEFT = 70  # room for the noise level


def plotted(parts: Sequence[Part]) -> pd.DataFrame:
    """The numbers under the pictures: PSNR (dB) of the crop per sigma; ``picture`` is noisy or denoised."""
    rows = []
    for i, sigma in enumerate(parts[0]["sigmas"]):
        rows.append({**_shared(parts[0]), "sigma": sigma, "picture": "noisy", "psnr": parts[0]["psnr_in"][i]})
        rows += [
            {**part.meta, "sigma": sigma, "picture": "denoised", "psnr": part["psnr"][i]} for part in parts
        ]
    return pd.DataFrame(rows).reindex(columns=[*META, "sigma", "picture", "psnr"])


def _shared(part: Part) -> dict[str, str]:
    return {key: part.meta[key] for key in ("dataset", "image", "crop")}


def draw(parts: Sequence[Part]) -> Figure:
    """Draw the page; the PSNR of the best denoiser of a row is bold."""
    numbers = plotted(parts)
    height, width = parts[0]["clean"].shape
    zoom = max(1, round(CELL / max(height, width)))
    cell_w, cell_h = width * zoom, height * zoom
    style = line_styles(pd.DataFrame([part.meta for part in parts]))
    headings = [
        "noisy",
        *[style[part.meta["network"], part.meta["variant"]].label for part in parts],
        "clean",
    ]
    headings = [broken_name(text, cell_w) for text in headings]
    colours = [INK, *[style[part.meta["network"], part.meta["variant"]].colour for part in parts], INK]
    page = LEFT + len(headings) * (cell_w + GAP) + 8
    best = ", the best denoiser in bold" if len(parts) > 1 else ""
    subtitle = "; ".join(
        filter(None, [training_name(parts), f"PSNR (dB) of the crop shown{best}; σ in 8-bit units"])
    )
    title = f"Denoised: {crop_name(parts[0])}"
    over = heading_height(title, subtitle, page)
    top = over + max(text.count("\n") + 1 for text in headings) * LINE + 8
    page = PixelPage(page, top + len(parts[0]["sigmas"]) * (cell_h + LINE + 20) + 6)
    page.heading(title, subtitle)
    for column, (text, colour) in enumerate(zip(headings, colours, strict=True)):
        x = LEFT + column * (cell_w + GAP) + cell_w / 2
        page.text(x, top - 8, text, ha="center", va="bottom", color=colour, weight="bold")
    for row, sigma in enumerate(parts[0]["sigmas"]):
        y = top + row * (cell_h + LINE + 20)
        page.text(LEFT / 2, y + cell_h / 2, f"σ = {sigma:g}", rotation=90, ha="center", va="center", size=10)
        pictures = [parts[0]["noisy"][row], *[part["denoised"][row] for part in parts], parts[0]["clean"]]
        psnr = numbers.loc[numbers["sigma"] == sigma, "psnr"].tolist()
        highest = max(psnr[1:])
        for column, picture in enumerate(pictures):
            x = LEFT + column * (cell_w + GAP)
            page.image(x, y, picture, zoom)
            if column < len(psnr):
                bold = "bold" if len(parts) > 1 and column and psnr[column] == highest else "normal"
                page.text(x + cell_w / 2, y + cell_h + 7, f"{psnr[column]:.2f} dB", ha="center", weight=bold)
    return page.figure


def make(paths: Sequence[Path], out: Path) -> list[Path]:
    """Read the parts (one per denoiser) and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    parts = read_parts(paths, EXAMPLES)
    return write(lambda: draw(parts), plotted(parts), out)
