"""``normeq figure heatmap``, ``interval-pictures`` and ``tuning``: what the range of the input changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normeq.suite.figures.cli import Out, Parts, Published, echo_paths, figure_app


@figure_app.command("heatmap")
def heatmap_command(
    table: Annotated[
        Path, typer.Argument(metavar="HEATMAP.CSV", help="The long table over scale and shift.")
    ],
    out: Out,
) -> None:
    """PSNR lost over scale and shift of the range, one panel per denoiser."""
    from normeq.suite.figures import heatmap

    echo_paths(heatmap.make(table, out))


@figure_app.command("interval-pictures")
def interval_pictures_command(parts: Parts, out: Out) -> None:
    """One crop denoised on every interval [a,b]."""
    from normeq.suite.figures import interval_pictures

    echo_paths(interval_pictures.make(parts, out))


@figure_app.command("tuning")
def tuning_command(
    table: Annotated[Path, typer.Argument(metavar="TUNING.CSV", help="The long table of tuned denoisers.")],
    out: Out,
) -> None:
    """Scale and shift tuning beside what is equivariant by construction."""
    from normeq.suite.figures import tuning

    echo_paths(tuning.make(table, out))


@figure_app.command("defect")
def defect_command(
    table: Annotated[Path, typer.Argument(metavar="CERTIFICATE.CSV", help="What `normeq certify` wrote.")],
    out: Out,
    published: Published = None,
) -> None:
    """Equivariance over noise levels: the published metric, on a logarithmic scale."""
    from normeq.suite.figures import defect

    echo_paths(defect.make(table, out, published))


@figure_app.command("two-dimensional")
def two_dimensional_command(out: Out) -> None:
    """All equivariant functions of two numbers: two linear maps, joined on the diagonal."""
    from normeq.suite.figures import two_dimensional

    echo_paths(two_dimensional.make(out))
