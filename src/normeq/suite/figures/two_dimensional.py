"""One number: only the identity is equivariant. Two numbers: two linear maps, joined on the diagonal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from normeq.equivariance.two_numbers import SORT, Member, defect, random_member
from normeq.suite.figures.registry import FigureKind
from normeq.suite.figures.style import GREY, INK, NOISY, heading, write
from normeq.suite.formats.numbers import minus, sci

FIGURE = FigureKind(
    help="All equivariant functions of two numbers: two linear maps, joined on the diagonal.",
    order=100,
    reads=None,
)

RANGES = [(1.0, 0.0), (2.0, 0.0), (1.0, 1.0), (0.5, -1.0)]  # (λ, μ)
COLOURS = [INK, "#E69F00", "#56B4E9", "#7A5195"]  # of the ranges
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda x: x,
    "ReLU": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
}
MEMBERS = {
    "a member at random": random_member(np.random.default_rng(2)),
    "another": random_member(np.random.default_rng(5)),
    "sorting": SORT,
}
LOWER, UPPER = "#0072B2", "#D55E00"  # x₁ ≤ x₂, x₁ ≥ x₂
CIRCLES = [(1.0, 0.0), (0.5, 2.5)]  # (λ, μ) of the circles shown
LINE = np.linspace(-3, 3, 601)


def circle() -> np.ndarray:
    """Points of the unit circle about 0, (720, 2), from the diagonal on: first x₁ ≤ x₂, then x₁ ≥ x₂."""
    angle = np.linspace(np.pi / 4, 9 * np.pi / 4, 720)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def plotted() -> pd.DataFrame:
    """Functions shown: dimensions, name, the largest defect over :data:`RANGES`, entries of A and B."""
    rows = [
        {"dimensions": 1, "name": name, "defect": max(defect(f, LINE, *r) for r in RANGES)}
        for name, f in ACTIVATIONS.items()
    ]
    for name, member in MEMBERS.items():
        worst = max(defect(member, circle(), *r) for r in RANGES)
        entries = {
            f"{letter}{i + 1}{j + 1}": matrix[i, j]
            for letter, matrix in (("A", member.lower), ("B", member.upper))
            for i in range(2)
            for j in range(2)
        }
        rows.append({"dimensions": 2, "name": name, "defect": worst} | entries)
    return pd.DataFrame(rows)


def draw(numbers: pd.DataFrame) -> Figure:
    """Upper row: functions of one number in several ranges. Lower row: members of NE(2)."""
    defects = numbers.set_index("name")["defect"]
    figure = Figure(figsize=(9.4, 6.9), layout="constrained")
    upper, lower = figure.subplots(2, 3, height_ratios=[2.4, 3.6])
    for axes, (name, function) in zip(upper, ACTIVATIONS.items(), strict=True):
        for (scale, shift), colour, dash in zip(RANGES, COLOURS, ["-", "--", "-.", ":"], strict=True):
            axes.plot(LINE, (function(scale * LINE + shift) - shift) / scale, color=colour, linestyle=dash)
        axes.set(xlim=(-3, 3), ylim=(-3.3, 3.3), xlabel="x", title=f"{name}: defect {sci(defects[name])}")
    upper[0].set_ylabel("(f(λx + μ) − μ)/λ")
    for axes, (name, member) in zip(lower, MEMBERS.items(), strict=True):
        _member(axes, member)
        matrices = f"{_matrix('A', member.lower)}\n{_matrix('B', member.upper)}"
        axes.set_title(f"{name}: defect {sci(defects[name])}\n{matrices}", fontsize=8.5)
        axes.set_xlabel("first number")
    lower[0].set_ylabel("second number")
    ranges = [
        Line2D([], [], color=colour, linestyle=dash, label=minus(f"λ = {k:g}, μ = {m:g}"))
        for (k, m), colour, dash in zip(RANGES, COLOURS, ["-", "--", "-.", ":"], strict=True)
    ]
    shapes = [
        Line2D([], [], color=NOISY, linestyle=(0, (1, 1.5)), label="circle x"),
        Line2D([], [], color=LOWER, label="f(x) = Ax where x₁ ≤ x₂"),
        Line2D([], [], color=UPPER, linestyle="--", label="f(x) = Bx where x₁ ≥ x₂"),
    ]
    figure.set_figheight(figure.get_figheight() + 0.36)
    figure.legend(handles=[*ranges, *shapes], loc="outside lower center", ncols=4)
    heading(
        figure,
        "What is normalization-equivariant in one and in two dimensions",
        "one number: the identity alone gives one curve in every range; two numbers: any two matrices whose "
        "rows sum to 1, one on each side of the diagonal; a smaller circle moved along the diagonal has the "
        "same image, smaller and moved; defect: largest relative difference over the four ranges",
    )
    return figure


def _member(axes: Axes, member: Member) -> None:
    for scale, shift in CIRCLES:
        points = scale * circle() + shift
        image = member(points)
        axes.plot(*points.T, color=NOISY, linestyle=(0, (1, 1.5)), linewidth=1.2)
        half = len(points) // 2
        axes.plot(*image[:half].T, color=LOWER)
        axes.plot(*image[half:].T, color=UPPER, linestyle="--")
    axes.axline((0, 0), slope=1, color=GREY, linewidth=0.7, zorder=1)
    axes.set_aspect("equal", adjustable="datalim")


def _matrix(name: str, matrix: np.ndarray) -> str:
    rows = "; ".join(" ".join(f"{value:.2f}" for value in row) for row in matrix)
    return minus(f"{name} = [{rows}]")


def make(out: Path) -> list[Path]:
    """Write OUT.svg, OUT.png, OUT.csv; returns their paths."""
    numbers = plotted()
    return write(lambda: draw(numbers), numbers, out)
