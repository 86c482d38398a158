"""A page laid out in whole pixels, so that image pixels are shown as squares and never interpolated."""

from __future__ import annotations

from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from normeq.suite.figures.style import DPI, EM, GREY, INK

LINE = 30  # height of a line of text, in pixels of the 200 dpi page
TITLE, SUBTITLE = 11, 8.5  # points
TITLE_LINE = 46


class PixelPage:
    """A figure of ``width`` × ``height`` pixels at 200 dpi; positions count from the top left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes with the given top left corner and size, in pixels."""
        box = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def image(
        self, x: int, y: int, pixels: NDArray[np.float64], zoom: int, frame: str = GREY, **options
    ) -> Axes:
        """Show an array, ``zoom`` × ``zoom`` page pixels for each of its pixels; gray on [0,1] by default."""
        axes = self.axes(x, y, pixels.shape[1] * zoom, pixels.shape[0] * zoom)
        options = options or {"cmap": "gray", "vmin": 0, "vmax": 1}
        axes.imshow(pixels, interpolation="nearest", aspect="auto", **options)
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        for spine in axes.spines.values():
            spine.set(visible=True, color=frame, linewidth=0.6)
        return axes

    def text(self, x: float, y: float, text: str, size: float = 8.5, **options) -> None:
        """Text in the page; ``ha``, ``va``, ``color``, ... as matplotlib knows them."""
        options = {"va": "top", "color": INK} | options
        self.figure.text(x / self.width, 1 - y / self.height, text, fontsize=size, **options)

    def heading(self, title: str, subtitle: str) -> None:
        """Title and subtitle at the top left; needs ``heading_height`` pixels."""
        title, subtitle = wrapped(title, self.width, TITLE), wrapped(subtitle, self.width, SUBTITLE)
        self.text(16, 14, title, size=TITLE, weight="bold", linespacing=1.25)
        below = 14 + TITLE_LINE * (title.count("\n") + 1)
        self.text(16, below, subtitle, size=SUBTITLE, color=GREY, linespacing=1.25)


def wrapped(text: str, width: int, size: float) -> str:
    """Break a text of ``size`` points to the width of the page (pixels); bold titles are wider."""
    return fill(text, int((width - 32) * 72 / DPI / (size * EM * (1.18 if size == TITLE else 1))))


def heading_height(title: str, subtitle: str, width: int) -> int:
    """Pixels that :meth:`PixelPage.heading` takes."""
    titles, lines = (
        wrapped(*text).count("\n") + 1 for text in ((title, width, TITLE), (subtitle, width, SUBTITLE))
    )
    return round(14 + TITLE_LINE * titles + LINE * lines + 22)


def broken_name(label: str, width: int) -> str:
    """Break a long name where it has a hyphen, a comma or a space."""
    if len(label) * 14 <= width:
        return label
    return (
        label.replace("-equivariant", "-\nequivariant").replace(", ", ",\n").replace("wrapped ", "wrapped\n")
    )
