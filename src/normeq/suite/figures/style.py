"""The look of every figure: a variant has one colour and marker, a network one kind of line, everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from io import BytesIO
from pathlib import Path
from textwrap import wrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from normeq.nn.variants import VARIANTS
from normeq.suite.figures.registry import figure_files
from normeq.suite.formats.table import csv_bytes
from normeq.suite.results.names import variant_name
from normeq.system.files import write_all

COLOURS = {variant.name: variant.colour for variant in VARIANTS.values()}
MARKERS = {variant.name: variant.marker for variant in VARIANTS.values()}
OTHERS = ["#E69F00", "#000000", "#7A5195", "#8C510A"]  # users' own denoisers, in order
OTHER_MARKERS = ["P", "X", "v", "*"]
LINES = [
    "-",
    (0, (5, 2)),
    (0, (1.2, 1.4)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (1.2, 4)),
]  # networks, in order
NOISY = "#7F7F7F"
PUBLISHED = "#8C8C8C"
INK = "#262626"
GREY = "#595959"
DPI = 200
NAMED = 3  # networks in a title
ENTRIES = 12  # of a legend with every denoiser by itself
ROWS = 6  # of a legend below which the subtitle keeps its place
EM = 0.54  # width of a typical character, in font sizes


@dataclass(frozen=True)
class LineStyle:
    """How one denoiser is drawn and called."""

    label: str
    colour: str
    marker: str
    line: str | tuple[float, tuple[float, ...]]


@contextmanager
def paper_style() -> Iterator[None]:
    """Matplotlib's defaults plus ``normeq.mplstyle``, whatever the user has set; restored afterwards."""
    with mpl.rc_context(), as_file(files("normeq.suite.figures") / "normeq.mplstyle") as path:
        mpl.rcdefaults()
        mpl.rcParams.update(mpl.rc_params_from_file(path, use_default_template=False))
        yield


def line_styles(denoisers: pd.DataFrame) -> dict[tuple[str, str], LineStyle]:
    """A look for every (network, variant), in the order of the table.

    The network is named only where the table has several.
    """
    pairs = list(dict.fromkeys(denoisers[["network", "variant"]].itertuples(index=False, name=None)))
    networks = list(dict.fromkeys(network for network, variant in pairs if variant != "other"))
    result: dict[tuple[str, str], LineStyle] = {}
    others = 0
    for network, variant in pairs:
        name = variant_name(variant, network)
        if variant in VARIANTS:
            line = LINES[networks.index(network) % len(LINES)]
            label = f"{name}, {network}" if len(networks) > 1 else name
            result[network, variant] = LineStyle(label, COLOURS[variant], MARKERS[variant], line)
        else:
            i = others % len(OTHERS)
            result[network, variant] = LineStyle(name, OTHERS[i], OTHER_MARKERS[i], "-")
            others += 1
    return result


def titled(title: str, denoisers: pd.DataFrame) -> str:
    """``Training: fdncnn8x32``: a title with the networks of the table, as far as there are any; more than
    three are counted."""
    names = list(dict.fromkeys(denoisers.loc[denoisers["variant"] != "other", "network"]))
    named = ", ".join(names) if len(names) <= NAMED else f"{len(names)} networks"
    return f"{title}: {named}" if names else title


def heading(figure: Figure, title: str, subtitle: str) -> None:
    """A bold title and a grey subtitle at the top left; the layout engine keeps room for both."""
    subtitle = re.sub(r"(\d) (?=[a-z%])", "\\1\u00a0", subtitle)  # keep a number and its unit on one line
    lines = wrap(subtitle, int(figure.get_figwidth() * 72 / (8.5 * EM)))
    figure.suptitle(title + "\n" * len(lines), x=0.01, ha="left", linespacing=1.35)
    below = 21 / 72 / figure.get_figheight()  # the title's line, in points, as a share of the figure
    figure.text(0.01, 1 - below, "\n".join(lines), fontsize=8.5, color=GREY, va="top", linespacing=1.25)


def legend(figure: Figure, style: dict[tuple[str, str], LineStyle], extra: Sequence[Line2D] = ()) -> None:
    """All denoisers, and what else is drawn, below the panels in as many columns as fit.

    Of many, variants and networks are listed by themselves: colour and marker are a variant's, the line is a
    network's.
    """
    handles = _handles(style) if len(style) <= ENTRIES else _by_parts(style)
    handles += extra
    widths = np.array(
        [len(str(handle.get_label())) * 8.5 * EM + 28 for handle in handles]
    )  # points, with the sample
    for rows in range(1, len(handles) + 1):
        columns = -(-len(handles) // rows)
        filled = np.array_split(widths, columns)  # as matplotlib fills them
        if sum(part.max() for part in filled) + 17 * columns <= figure.get_figwidth() * 72:
            break
    before = figure.get_figheight()
    figure.set_figheight(before + 0.18 * rows)
    if rows > ROWS:  # the subtitle stands at a share of the height, and would slide into the panels
        for text in figure.texts:
            text.set_y(1 - (1 - text.get_position()[1]) * before / figure.get_figheight())
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def _handles(style: dict[tuple[str, str], LineStyle]) -> list[Line2D]:
    return [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.line, label=look.label)
        for look in style.values()
    ]


def _by_parts(style: dict[tuple[str, str], LineStyle]) -> list[Line2D]:
    """A sample for each variant and for each network; users' denoisers as they are."""
    variants: dict[str, Line2D] = {}
    networks: dict[str, Line2D] = {}
    others = {pair: look for pair, look in style.items() if pair[1] not in VARIANTS}
    for (network, variant), look in style.items():
        if variant in VARIANTS:
            plain = {"color": look.colour, "marker": look.marker, "linestyle": "none"}
            variants[variant] = Line2D([], [], label=variant_name(variant, network), **plain)
            networks[network] = Line2D([], [], label=network, color=INK, linestyle=look.line)
    return [*variants.values(), *(networks.values() if len(networks) > 1 else ()), *_handles(others)]


def write(draw: Callable[[], Figure], numbers: pd.DataFrame, out: Path) -> list[Path]:
    """Draw in our style and :func:`save` it."""
    with paper_style():
        return save(draw(), numbers, out)


def save(figure: Figure, numbers: pd.DataFrame, out: Path) -> list[Path]:
    """Write OUT.svg, OUT.png (200 dpi) and OUT.csv (the numbers); the same figure gives the same bytes.

    Raises:
        NormeqError: a file cannot be written; then none is replaced.
    """
    files = figure_files(out)
    figure.set_dpi(DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # settled once, so that both pictures are laid out alike
    content: dict[Path, bytes] = {}
    for kind, metadata in (("svg", {"Date": None, "Creator": "normeq"}), ("png", {"Software": None})):
        buffer = BytesIO()
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
        content[files[kind]] = buffer.getvalue()
    content[files["csv"]] = csv_bytes(numbers)
    write_all(content)
    return list(content)
