"""``normeq figure``: one command per figure of the register; each writes OUT.svg, OUT.png and OUT.csv."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normeq.suite.figures.registry import FigureKind, figure_files, figures
from normeq.suite.products.commands import add_commands

figure_app = typer.Typer(
    help="Draw a figure: OUT.svg, OUT.png and OUT.csv (the plotted numbers).", no_args_is_help=True
)


def _draw(figure: FigureKind, inputs: list, out: Path, published: list) -> list[Path]:
    return figure.make(*inputs, out, *published)


def _files(figure: FigureKind, out: Path) -> list[Path]:
    return list(figure_files(out).values())


Out = Annotated[Path, typer.Option(help="Where to write, without suffix, e.g. figures/compact/noise_levels.")]
add_commands(figure_app, figures(), "out", Out, _draw, _files)
