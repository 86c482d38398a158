"""The diagram: convolution + ReLU beside affine convolution + sort pooling, with a worked example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import COLOURS, GREY, INK, write
from normeq.suite.figures.worked_example import (
    AFFINE,
    BIAS,
    FREE,
    LAYERS,
    PATCH,
    SCALE,
    SHIFT,
    Array,
    plotted,
)
from normeq.suite.formats.numbers import fixed, minus

FIGURE = FigureKind(
    help="The diagram: convolution + ReLU beside affine convolution + sort pooling.",
    order=90,
    reads=None,
)


def draw() -> Figure:
    """Draw both layers on one canvas; units of the canvas are tenths of an inch."""
    figure = Figure(figsize=(10, 4.6))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 100), ylim=(4, 50), xticks=[], yticks=[])
    axes.set_axis_off()
    axes.plot([50, 50], [6, 48], color="#D9D9D9", linewidth=1)
    _layer(
        axes, 1.5, "ordinary", "Ordinary", "convolution + ReLU", FREE,
        conv="z = w ∗ x + b", constraint="w, b free",
        activation="y = max(0, z)", effect="each channel alone",
    )  # fmt: skip
    _layer(
        axes, 52.5, "norm", "Normalization-equivariant", "affine convolution + sort pooling", AFFINE,
        conv="z = w ∗ x", constraint="Σ w = 1, no bias",
        activation="y = sort(z₁, z₂)", effect="channels in pairs",
    )  # fmt: skip
    return figure


def _layer(
    axes: Axes, x: float, name: str, title: str, layers: str, kernels: Array,
    *, conv: str, constraint: str, activation: str, effect: str,
) -> None:  # fmt: skip
    colour, layer = COLOURS[name], LAYERS[name]
    z, y = layer(PATCH)
    axes.text(x, 48.2, title, fontsize=11, weight="bold", color=colour, va="center")
    axes.text(x, 45.9, layers, fontsize=9, color=INK, va="center")
    _grid(axes, x, 27.3, 2.6, PATCH, gray=True)
    axes.text(x + 3.9, 36.2, "input x", ha="center", fontsize=8.5, color=GREY)
    for k, level in enumerate((34.6, 23.2)):
        _grid(axes, x + 12, level - 3.9, 2.6, kernels[k])
        total = minus(f"{kernels[k].sum():.1f}")
        bias = minus(f", b = {BIAS[k]:.1f}") if name == "ordinary" else ""
        axes.text(
            x + 15.9, level - 5.2, f"Σ w = {total}{bias}", ha="center", fontsize=8, color=INK, va="center"
        )
        _arrow(axes, (x + 8.2, 31.2), (x + 11.6, level))
        _arrow(axes, (x + 20.2, level), (x + 22.5, level))
        _value(axes, x + 25, level, z[k])
        _value(axes, x + 43, level, y[k])
    _activation(axes, x, name, colour)
    middles = {x + 15.9: (conv, constraint), x + 34: (activation, effect)}
    for middle, (formula, remark) in middles.items():
        axes.text(middle, 42.3, formula, ha="center", va="center", fontsize=9.5, color=INK)
        axes.text(middle, 40.2, remark, ha="center", va="center", fontsize=8, color=GREY)
    _example(axes, x, name, colour)


def _grid(axes: Axes, x: float, y: float, side: float, values: Array, gray: bool = False) -> None:
    """A 3×3 patch as squares with their values; gray levels for pixels, a tint by sign for weights."""
    for (row, col), value in np.ndenumerate(values):
        tint = (
            (str(0.35 + 0.6 * value))
            if gray
            else ((0.0, 0.45, 0.70, value) if value > 0 else (0.84, 0.37, 0.0, -value))
        )
        corner = (x + col * side, y + (2 - row) * side)
        axes.add_patch(Rectangle(corner, side, side, facecolor="white", edgecolor="none"))
        axes.add_patch(Rectangle(corner, side, side, facecolor=tint, edgecolor="#8C8C8C", linewidth=0.6))
        ink = "white" if gray and value < 0.25 else INK
        text = minus(f"{value:.1f}").replace("0.", ".") if value else "0"
        axes.text(
            corner[0] + side / 2,
            corner[1] + side / 2,
            text,
            ha="center",
            va="center",
            fontsize=7.5,
            color=ink,
        )


def _value(axes: Axes, x: float, y: float, value: float) -> None:
    _rounded(axes, x - 2.3, y - 1.4, 4.6, 2.8, facecolor="white", edgecolor=INK, linewidth=0.9)
    axes.text(x, y, fixed(value), ha="center", va="center", fontsize=8.5)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = GREY) -> None:
    style = "-|>,head_length=2.6,head_width=1.3"
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle=style, color=colour, linewidth=1, shrinkA=0, shrinkB=0)
    )


def _activation(axes: Axes, x: float, name: str, colour: str) -> None:
    """Two separate ReLU curves, or one comparator that joins the pair."""
    layer = LAYERS[name]
    left, right, high, low = x + 29.6, x + 38.4, 34.6, 23.2
    if name == "ordinary":
        for level in (high, low):
            _box(axes, left, level - 3.2, right - left, 6.4, colour)
            middle = (left + right) / 2
            axes.plot([left + 1, right - 1], [level - 1.2] * 2, color="#BFBFBF", linewidth=0.8)
            axes.plot([middle] * 2, [level - 2.4, level + 2.6], color="#BFBFBF", linewidth=0.8)
            axes.plot(
                [left + 1.2, middle, right - 1.6],
                [level - 1.2, level - 1.2, level + 1.9],
                color=colour,
                linewidth=2,
            )
    else:
        _box(axes, left, low - 3.2, right - left, high - low + 6.4, colour)
        inner = (left + 1.2, right - 1.2)
        swapped = layer(PATCH)[0][0] > layer(PATCH)[0][1]
        for start, end in ((high, high), (low, low), (high, low), (low, high)):
            taken = (start != end) == swapped  # the other way is open too: the values decide
            line = {"linewidth": 2} if taken else {"linewidth": 1, "alpha": 0.5, "linestyle": (0, (3, 2))}
            axes.plot(inner, (start, end), color=colour, **line)
        axes.text(right - 1.2, high + 1.2, "min", ha="right", fontsize=8, color=colour)
        axes.text(right - 1.2, low - 2.3, "max", ha="right", fontsize=8, color=colour)
    for level in (high, low):
        _arrow(axes, (x + 27.5, level), (left, level))
        _arrow(axes, (right, level), (x + 40.5, level))


def _box(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    _rounded(axes, x, y, width, height, facecolor=colour, alpha=0.08, linewidth=0)
    _rounded(axes, x, y, width, height, facecolor="none", edgecolor=colour, linewidth=1)


def _rounded(axes: Axes, x: float, y: float, width: float, height: float, **look) -> None:
    corners = "round,pad=0,rounding_size=0.75"
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=corners, **look))


def _example(axes: Axes, x: float, name: str, colour: str) -> None:
    """What the layer makes of the same patch with another contrast and brightness."""
    numbers = plotted()
    rows = numbers[(numbers["layer"] == name) & (numbers["input"] != "x")]
    first = numbers[(numbers["layer"] == name) & (numbers["input"] == "x")]
    same = np.allclose(rows["y"], rows["expected"])
    law = f"{SCALE:g}·y(x) + {SHIFT:g}"
    lines = [
        ("y(x)", "=", _pair(first["y"]), INK),
        (f"y({SCALE:g}x + {SHIFT:g})", "=", _pair(rows["y"]), INK),
        (law, "=", _pair(rows["expected"]), INK),
    ]
    for i, (left, sign, right, ink) in enumerate(lines):
        level = 13.2 - 2.6 * i
        axes.text(x + 12, level, left, ha="right", va="center", fontsize=9, color=ink)
        axes.text(x + 13.4, level, sign, ha="center", va="center", fontsize=9, color=ink)
        axes.text(x + 14.8, level, right, ha="left", va="center", fontsize=9, color=ink)
    verdict = "the same:\ny(λx + μ) = λ·y(x) + μ" if same else "not the same:\nno rule for λx + μ"
    axes.text(x + 27.6, 9.3, verdict, va="center", fontsize=9, color=colour, weight="bold", linespacing=1.3)
    axes.plot([x + 26.6, x + 26.6], [7.2, 11.4], color=colour, linewidth=1.4)


def _pair(values: pd.Series) -> str:
    return f"({', '.join(fixed(value) for value in values)})"


def make(out: Path) -> list[Path]:
    """Write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    return write(draw, plotted(), out)
