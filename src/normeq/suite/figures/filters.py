"""Adaptive filters: the weights of the noisy pixels in one denoised pixel (a Jacobian row), and their sum."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from normeq.errors import NormeqError
from normeq.suite.figures.pixel_page import LINE, PixelPage, broken_name, heading_height
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import GREY, line_styles, write
from normeq.suite.formats.numbers import fixed, minus, sci
from normeq.suite.results.pictures import FILTERS, META, Part, crop_name, read_parts, training_name

FIGURE = FigureKind(
    help="Adaptive filters and the sums of their weights.",
    order=70,
    reads="filters.npz",
)

CELL = 290
GAP, BLOCK_GAP = 12, 46
LEFT = 84
MARKS = ["#F0E442", "#56B4E9", "#E69F00", "#CC79A7"]
COLOURS = "RdBu_r"
NAMES = "ABCDEFGH"
PLOTTED = [*META, "sigma", "psnr", "defect", "pixel", "row", "col", "sum", "largest"]


def plotted(parts: Sequence[Part]) -> pd.DataFrame:
    """The numbers shown: PSNR (dB) and defect of the crop per sigma; sum of weights and peak per pixel."""
    rows = [
        {**part.meta, "sigma": sigma, "psnr": part["psnr"][i], "defect": part["defect"][i],
         "pixel": NAMES[j], "row": int(row),
         "col": int(col), "sum": part["sums"][i, j], "largest": np.abs(part["filters"][i, j]).max()}
        for part in parts
        for i, sigma in enumerate(part["sigmas"])
        for j, (row, col) in enumerate(part["pixels"])
    ]  # fmt: skip
    return pd.DataFrame(rows)[PLOTTED]


def nothing() -> Figure:
    """In place of a figure: there is no denoiser to show."""
    page = PixelPage(600, 120)
    page.heading("Adaptive filters", "PyTorch can differentiate none of these denoisers.")
    return page.figure


def scale(parts: Sequence[Part]) -> FuncNorm:
    """One symmetric scale for all filters, square-root spaced: small weights are seen beside a large one."""
    largest = max(float(np.abs(part["filters"]).max()) for part in parts) or 1.0
    return FuncNorm(
        (lambda w: np.sign(w) * np.sqrt(np.abs(w)), lambda w: np.sign(w) * np.square(w)),
        vmin=-largest,
        vmax=largest,
    )


def draw(parts: Sequence[Part]) -> Figure:
    """Rows are denoisers; for each sigma the denoised crop with the pixels marked, then their filters."""
    sigmas, pixels = parts[0]["sigmas"], parts[0]["pixels"].astype(int)
    height, width = parts[0]["clean"].shape
    side = parts[0]["filters"].shape[-1]
    zoom = max(1, round(CELL / max(height, width)))
    cell_w, cell_h = width * zoom, height * zoom
    small = max(1, min(cell_w, cell_h) // side)
    block = cell_w + len(pixels) * (side * small + GAP)
    page = LEFT + len(sigmas) * (block + BLOCK_GAP) - BLOCK_GAP + 16
    has_ordinary = any(part.meta["variant"] == "ordinary" for part in parts)
    subtitle = "; ".join(
        filter(None, [
            training_name(parts),
            "the denoised pixel is the sum of the noisy ones times these weights (row of the Jacobian"
            + ("; the ordinary network adds a constant)" if has_ordinary else ")"),
            "ρ = ‖f(y) − J(y)y‖/‖f(y)‖: what these weights leave unexplained; sum: over the whole "
            "row; frame in the picture: the part shown on the right; σ in 8-bit units",
        ])
    )  # fmt: skip
    title = f"Adaptive filters: {crop_name(parts[0])}"
    top = heading_height(title, subtitle, page) + LINE + 14
    pitch = cell_h + LINE + 24
    page = PixelPage(page, top + len(parts) * pitch + 108)
    page.heading(title, subtitle)
    norm, style = scale(parts), line_styles(pd.DataFrame([part.meta for part in parts]))
    for i, sigma in enumerate(sigmas):
        x0 = LEFT + i * (block + BLOCK_GAP)
        page.text(x0, top - 10, f"σ = {sigma:g}", va="bottom", size=10, weight="bold")
        for row, part in enumerate(parts):
            y = top + row * pitch
            if i == 0:
                look = style[part.meta["network"], part.meta["variant"]]
                page.text(
                    LEFT / 2, y + cell_h / 2, broken_name(look.label, 0), rotation=90, ha="center",
                    va="center", color=look.colour, weight="bold", linespacing=1.1, multialignment="center",
                )  # fmt: skip
            axes = page.image(x0, y, part["denoised"][i], zoom)
            page.text(
                x0 + cell_w / 2,
                y + cell_h + 6,
                f"{part['psnr'][i]:.2f} dB, ρ = {sci(part['defect'][i])}",
                ha="center",
            )
            for j, (r, c) in enumerate(pixels):
                colour = MARKS[j % len(MARKS)]
                corner, edge = (c - side / 2, r - side / 2), [withStroke(linewidth=2.4, foreground="#202020")]
                axes.add_patch(
                    Rectangle(
                        corner, side, side, fill=False, edgecolor=colour, linewidth=1.2, path_effects=edge
                    )
                )
                axes.plot(c, r, ".", color=colour, markersize=3, path_effects=edge)
                axes.annotate(NAMES[j], corner, xytext=(2, -2), textcoords="offset points", color=colour,
                              fontsize=7.5, weight="bold", va="top", path_effects=edge)  # fmt: skip
                x = x0 + cell_w + GAP + j * (side * small + GAP)
                below = y + (cell_h - side * small) // 2
                page.image(x, below, part["filters"][i, j], small, frame=GREY, cmap=COLOURS, norm=norm)
                page.text(
                    x + side * small / 2,
                    y + cell_h + 6,
                    f"{NAMES[j]}: sum {fixed(part['sums'][i, j])}",
                    ha="center",
                )
    _colour_bar(page, norm, top + len(parts) * pitch + 14)
    return page.figure


def _colour_bar(page: PixelPage, norm: FuncNorm, y: int) -> None:
    largest = norm.vmax
    width = min(900, page.width - 2 * LEFT)
    axes = page.axes((page.width - width) / 2, y, width, 20)
    ramp = norm.inverse(np.linspace(0, 1, 257))
    axes.imshow(np.atleast_2d(ramp), aspect="auto", cmap=COLOURS, norm=norm, extent=(0, 1, 0, 1))
    steps = [largest]
    for step in (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001):
        if norm(steps[-1]) - norm(step) > 0.1 and norm(step) > 0.58:  # room for the labels
            steps.append(step)
    ticks = [*[-step for step in steps], 0.0, *reversed(steps)]
    axes.set_xticks(norm(ticks), [minus(f"{tick:.2g}") for tick in ticks])
    axes.set_yticks([])
    axes.grid(False)
    axes.set_xlabel("filter weight (square-root scale)", labelpad=2)


def make(paths: Sequence[Path], out: Path) -> list[Path]:
    """Read the parts (one per denoiser) and write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    parts = read_parts(paths, FILTERS)
    if not parts:
        return write(nothing, pd.DataFrame(columns=PLOTTED), out)
    height, width = parts[0]["clean"].shape
    for row, col in parts[0]["pixels"]:
        if not (0 <= row < height and 0 <= col < width):
            raise NormeqError(
                f"{parts[0].path}: pixel {row:g},{col:g} lies outside the crop of {height} × {width}"
            )
    return write(lambda: draw(parts), plotted(parts), out)
