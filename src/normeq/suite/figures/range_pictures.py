"""A page of one noisy crop denoised in several ranges: rows are denoisers, columns ranges."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from normeq.suite.figures.pixel_page import LINE, PixelPage, broken_name, heading_height
from normeq.suite.figures.style import DPI, EM, line_styles
from normeq.suite.results.pictures import Part

CELL = 200  # pixels wanted for the longer side of a picture
GAP = 12
LEFT = 84


def draw_ranges(parts: Sequence[Part], ranges: Sequence[str], title: str, subtitle: str) -> Figure:
    """Clean and noisy crop at the left, the denoised ones beside them, with the PSNR of each below.

    Args:
        parts: one per denoiser; arrays ``clean``, ``noisy``, ``psnr_in``, ``denoised`` (R, H, W) and
            ``psnr`` (R,).
        ranges: heads of the R columns; ``\\n`` breaks a line.
        title, subtitle: of the page.
    """
    first = parts[0]
    height, width = first["clean"].shape
    zoom = max(1, round(CELL / max(height, width)))
    cell_w, cell_h = width * zoom, height * zoom
    columns = 1 + len(ranges)
    page = LEFT + cell_w + 2 * GAP + LEFT + (columns - 1) * (cell_w + GAP) + 8
    head_lines = max(name.count("\n") for name in ranges)
    top = heading_height(title, subtitle, page) + (1 + head_lines) * LINE + 14
    pitch = cell_h + LINE + 20
    page = PixelPage(page, top + max(len(parts), 2) * pitch + 6)
    page.heading(title, subtitle)
    for row, (name, text) in enumerate(
        (("clean", "clean"), ("noisy", f"noisy, {float(first['psnr_in']):.2f} dB"))
    ):
        page.image(LEFT // 2, top + row * pitch, first[name], zoom)
        page.text(LEFT // 2 + cell_w / 2, top + row * pitch + cell_h + 7, text, ha="center")
    start = LEFT + cell_w + 2 * GAP + LEFT // 2
    for column, name in enumerate(ranges):
        x = start + column * (cell_w + GAP) + cell_w / 2
        page.text(x, top - 8, name, ha="center", va="bottom", weight="bold", linespacing=1.2)
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
