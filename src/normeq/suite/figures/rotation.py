"""The diagram: sort pooling is a mirror in the plane of a pair, and |·| along one axis of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import COLOURS, GREY, INK, write

FIGURE = FigureKind(
    help="The diagram: sort pooling as a mirror, and as |·| on half of the channels.",
    order=130,
    reads=None,
    in_report=False,
)

# Pairs (a, b): two to be swapped, one that is sorted already.
PAIRS = np.array([[2.0, 0.4], [1.1, -1.3], [-1.6, 0.7]])
SHIFT = 0.9


def sort_pooling(pairs: np.ndarray) -> np.ndarray:
    """(a, b) to (min, max), by the definition; shape (N, 2)."""
    return np.sort(pairs, axis=1)


def rotate(pairs: np.ndarray) -> np.ndarray:
    """(a, b) to (s, d) = (a + b, a - b)/√2; shape (N, 2)."""
    return pairs @ np.array([[1, 1], [1, -1]]) / np.sqrt(2)


def plotted() -> pd.DataFrame:
    """The points of the diagram: every pair and its shifted copy, before and after, in both bases."""
    pairs = np.concatenate([PAIRS, PAIRS + SHIFT])
    after = sort_pooling(pairs)
    columns = [pairs, after, rotate(pairs), rotate(after)]
    names = ["a", "b", "min", "max", "s", "d", "s_after", "d_after"]
    table = pd.DataFrame(np.hstack(columns), columns=names)
    table.insert(0, "shift", np.repeat([0.0, SHIFT], len(PAIRS)))
    return table


def draw() -> Figure:
    """Draw the mirror, and the two activations beside it."""
    figure = Figure(figsize=(10, 4.0))
    plane = figure.add_axes((0.05, 0.14, 0.36, 0.75))
    _plane(plane)
    for left, name in ((0.475, "s"), (0.755, "d")):
        _activation(figure.add_axes((left, 0.14, 0.22, 0.75)), name)
    return figure


def _plane(axes: Axes) -> None:
    axes.set(xlim=(-2.8, 3.6), ylim=(-2.4, 3.4), aspect="equal", xlabel="channel a", ylabel="channel b")
    axes.set_title("Sort pooling mirrors (a, b) to (min, max)", loc="left", fontsize=10)
    axes.grid(False)
    line = np.array([-2.6, 3.2])
    axes.plot(line, line, color=INK, linewidth=1.2)
    axes.annotate("s", (3.25, 3.05), color=INK, fontsize=11, fontweight="bold")
    axes.plot([-1.6, 2.0], [1.6, -2.0], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.annotate("d", (2.08, -2.25), color=GREY, fontsize=11, fontweight="bold")
    after = sort_pooling(PAIRS)
    for start, end in zip(PAIRS, after, strict=True):
        if (start != end).any():
            arrow = {
                "arrowstyle": "->",
                "color": COLOURS["norm"],
                "shrinkA": 5,
                "shrinkB": 5,
                "linewidth": 1.4,
            }
            axes.annotate("", end, start, arrowprops=arrow)
        axes.plot(*start, "o", markersize=7, markerfacecolor="white", markeredgecolor=INK, zorder=3)
        axes.plot(*end, "o", markersize=7 if (start != end).any() else 4, color=COLOURS["norm"], zorder=4)
    axes.annotate(
        "",
        (2.35, 2.35),
        (0.9, 0.9),
        arrowprops={"arrowstyle": "-|>", "color": COLOURS["wrapped"], "linewidth": 2.4},
    )
    axes.text(2.15, 1.75, "a shift moves all\npoints along the\nmirror", color=INK, fontsize=8, va="top")
    axes.plot([], [], "o", markerfacecolor="white", markeredgecolor=INK, label="before")
    axes.plot([], [], "o", color=COLOURS["norm"], label="after")
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def _activation(axes: Axes, name: str) -> None:
    x = np.linspace(-2.5, 2.5, 201)
    y = x if name == "s" else -np.abs(x)
    titles = {
        "s": "s = (a + b)/√2 stays",
        "d": "d = (a − b)/√2 becomes −|d|",
    }
    notes = {
        "s": "A shift of a and b by µ adds\n√2·µ here, before and after.",
        "d": "A shift does not reach a\ndifference: nothing to spoil.",
    }
    axes.plot(
        x, np.maximum(x, 0), color=COLOURS["ordinary"], linewidth=1.3, linestyle=(0, (4, 3)), label="ReLU"
    )
    axes.plot(x, y, color=COLOURS["norm"], linewidth=2.4, label="sort pooling")
    axes.set(
        xlim=(-2.5, 2.5), ylim=(-2.7, 2.7), aspect="equal", xlabel=f"{name} before", ylabel=f"{name} after"
    )
    axes.set_title(titles[name], loc="left", fontsize=10)
    axes.text(-2.3, 2.5, notes[name], fontsize=8, color=INK, va="top")
    if name == "s":
        axes.legend(loc="lower right", frameon=False, fontsize=8)
    axes.set_anchor("N")


def make(out: Path) -> list[Path]:
    """Write the diagram; see :func:`normeq.suite.figures.style.save`."""
    return write(draw, plotted(), out)
