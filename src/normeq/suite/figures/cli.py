"""``normeq figure``: one command per figure; each writes OUT.svg, OUT.png and OUT.csv (the numbers)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

figure_app = typer.Typer(
    help="Draw a figure: OUT.svg, OUT.png and OUT.csv (the plotted numbers).", no_args_is_help=True
)

Out = Annotated[Path, typer.Option(help="Where to write, without suffix, e.g. figures/compact/noise_levels.")]
Parts = Annotated[
    list[Path], typer.Argument(metavar="PART.NPZ...", help="One part per denoiser, of the same crop.")
]


NoiseLevels = Annotated[
    Path, typer.Argument(metavar="NOISE_LEVELS.CSV", help="The long table over noise levels.")
]
Published = Annotated[Path | None, typer.Option(help="Folder of published values, for grey curves.")]


@figure_app.command("noise-levels")
def noise_levels_command(table: NoiseLevels, out: Out, published: Published = None) -> None:
    """Output PSNR against the noise level; the level of training is marked."""
    from normeq.suite.figures import noise_levels

    echo_paths(noise_levels.make(table, out, published))


@figure_app.command("input-psnr")
def input_psnr_command(table: NoiseLevels, out: Out, published: Published = None) -> None:
    """Output PSNR against input PSNR in both definitions (not clipped, clipped), with the identity line."""
    from normeq.suite.figures import input_psnr

    echo_paths(input_psnr.make(table, out, published))


@figure_app.command("intervals")
def intervals_command(
    table: Annotated[
        Path, typer.Argument(metavar="INTERVALS.CSV", help="The long table over intervals [a,b].")
    ],
    out: Out,
) -> None:
    """PSNR against the interval [a,b] on which the image is presented."""
    from normeq.suite.figures import intervals

    echo_paths(intervals.make(table, out))


@figure_app.command("filters")
def filters_command(parts: Parts, out: Out) -> None:
    """Adaptive filters and the sums of their weights."""
    from normeq.suite.figures import filters

    echo_paths(filters.make(parts, out))


@figure_app.command("examples")
def examples_command(parts: Parts, out: Out) -> None:
    """Noisy, denoised and clean pictures side by side."""
    from normeq.suite.figures import examples

    echo_paths(examples.make(parts, out))


@figure_app.command("training")
def training_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.")], out: Out
) -> None:
    """Training loss and held-out PSNR over the pixels seen."""
    from normeq.suite.figures import training

    echo_paths(training.make(runs, out))


@figure_app.command("layers")
def layers_command(out: Out) -> None:
    """The diagram: convolution + ReLU beside affine convolution + sort pooling."""
    from normeq.suite.figures import layers

    echo_paths(layers.make(out))


@figure_app.command("rotation")
def rotation_command(out: Out) -> None:
    """The diagram: sort pooling as a mirror, and as |·| on half of the channels."""
    from normeq.suite.figures import rotation

    echo_paths(rotation.make(out))


def echo_paths(paths: list[Path]) -> None:
    """Name what was written, one file a line."""
    for path in paths:
        typer.echo(path)
