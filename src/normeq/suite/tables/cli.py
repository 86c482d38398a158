"""``normeq table``: one command per table; heavy imports stand inside the functions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from normeq.suite.formats.table import Table

table_app = typer.Typer(help="Make a table (CSV, Markdown and LaTeX).", no_args_is_help=True)

NoiseLevels = Annotated[
    Path, typer.Argument(metavar="NOISE_LEVELS.CSV", help="The long table over noise levels.")
]
Intervals = Annotated[
    Path, typer.Argument(metavar="INTERVALS.CSV", help="The long table over intervals [a,b].")
]
Folder = Annotated[Path, typer.Option("--out-dir", help="Folder for NAME.csv, NAME.md and NAME.tex.")]
Published = Annotated[
    Path | None,
    typer.Option(help="Folder of published values (data/published), to be shown beside ours."),
]


@table_app.command("matched-noise")
def matched_noise_command(table: NoiseLevels, out_dir: Folder, published: Published = None) -> None:
    """PSNR and SSIM at the noise level of training."""
    from normeq.suite.tables import matched_noise

    _write(matched_noise.make(table, published), out_dir)


@table_app.command("generalisation")
def generalisation_command(table: NoiseLevels, out_dir: Folder) -> None:
    """PSNR at every test noise level."""
    from normeq.suite.tables import generalisation

    _write(generalisation.make(table), out_dir)


@table_app.command("intervals")
def intervals_command(table: Intervals, out_dir: Folder) -> None:
    """PSNR on every interval [a,b] and its change from [0,1]."""
    from normeq.suite.tables import intervals

    _write(intervals.make(table), out_dir)


@table_app.command("comparisons")
def comparisons_command(table: NoiseLevels, out_dir: Folder) -> None:
    """Variants against each other at every noise level, Holm-corrected."""
    from normeq.suite.tables import comparisons

    _write(comparisons.make(table), out_dir)


@table_app.command("variance")
def variance_command(table: NoiseLevels, out_dir: Folder) -> None:
    """How much of the spread is images, noise draws and training seeds."""
    from normeq.suite.tables import variance

    _write(variance.make(table), out_dir)


@table_app.command("protocols")
def protocols_command(
    table: Annotated[Path, typer.Argument(metavar="PROTOCOLS.CSV", help="The long table over protocols.")],
    out_dir: Folder,
) -> None:
    """What each convention of others moves, in dB."""
    from normeq.suite.tables import protocols

    _write(protocols.make(table), out_dir)


@table_app.command("tuning")
def tuning_command(
    table: Annotated[Path, typer.Argument(metavar="TUNING.CSV", help="The long table of tuned denoisers.")],
    out_dir: Folder,
    published: Published = None,
) -> None:
    """Scale and shift tuning: PSNR and what it gains."""
    from normeq.suite.tables import tuning

    _write(tuning.make(table, published), out_dir)


@table_app.command("filters")
def filters_command(
    parts: Annotated[
        list[Path], typer.Argument(metavar="PART.NPZ...", help="One part per denoiser, of the same crop.")
    ],
    out_dir: Folder,
    published: Published = None,
) -> None:
    """Sums of adaptive filters, and what they leave unexplained."""
    from normeq.suite.tables import filters

    _write(filters.make(parts, published), out_dir)


@table_app.command("certificate")
def certificate_command(
    table: Annotated[Path, typer.Argument(metavar="CERTIFICATE.CSV", help="What `normeq certify` wrote.")],
    out_dir: Folder,
) -> None:
    """Which denoisers are equivariant: ✓ and ✗ with the largest defects."""
    from normeq.suite.tables import certificate

    _write(certificate.make(table), out_dir)


def _write(table: Table, folder: Path) -> None:
    from normeq.suite.formats.table import write_table

    for path in write_table(table, folder):
        typer.echo(path)
