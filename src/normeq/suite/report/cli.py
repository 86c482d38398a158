"""``normeq report``, ``normeq poster`` and ``normeq run-card``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normeq.system.files import ends_in, refuse_inputs


def report_command(
    out: Annotated[Path, typer.Argument(help="The HTML file.", callback=ends_in(".html", "HTML"))],
    config: Annotated[Path, typer.Option(help="The config as recorded: results/NAME/config.yaml.")],
    table: Annotated[list[Path] | None, typer.Option(help="Markdown table; repeat for more.")] = None,
    figure: Annotated[list[Path] | None, typer.Option(help="SVG or PNG; repeat for more.")] = None,
    run: Annotated[list[Path] | None, typer.Option(help="Run folder; repeat for more.")] = None,
    captions: Annotated[Path | None, typer.Option(help="Folder of captions (workflow/report).")] = None,
    gallery: Annotated[
        list[Path] | None, typer.Option(help="Part of `normeq evaluate gallery`; repeat for more.")
    ] = None,
    noise_levels: Annotated[Path | None, typer.Option(help="results/NAME/noise_levels.csv")] = None,
    intervals: Annotated[Path | None, typer.Option(help="results/NAME/intervals.csv")] = None,
    timing: Annotated[
        list[Path] | None,
        typer.Option(
            help="Snakemake's benchmark file of a measurement, where there is one; repeat for more."
        ),
    ] = None,
) -> None:
    """One offline HTML page: claims, pictures, figures, tables, runs, protocol, config."""
    from normeq.suite.report.page import write_report

    tables, figures, parts, timings = table or [], figure or [], gallery or [], timing or []
    refuse_inputs([out], [config, *tables, *figures, *parts, noise_levels, intervals, *timings])
    write_report(out, config, tables, figures, run or [], captions, parts, noise_levels, intervals, timings)
    typer.echo(str(out))


def poster_command(
    out: Annotated[Path, typer.Argument(help="The HTML file.", callback=ends_in(".html", "HTML"))],
    config: Annotated[Path, typer.Option(help="The config as recorded: results/NAME/config.yaml.")],
    figures: Annotated[Path, typer.Option(help="Folder of the figures: figures/NAME.")],
    claims: Annotated[Path | None, typer.Option(help="results/NAME/tables/claims.md")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Print it into this PDF too; needs Chromium.")] = None,
) -> None:
    """One page in the order of the paper's poster, to be printed (A1)."""
    from normeq.suite.report import POSTER_FIGURES
    from normeq.suite.report.poster import print_page, write_poster

    refuse_inputs([out, pdf], [config, claims, *(figures / f"{name}.svg" for name in POSTER_FIGURES)])
    write_poster(out, config, figures, claims)
    typer.echo(str(out))
    if pdf is not None:
        print_page(out, pdf)
        typer.echo(str(pdf))


def run_card_command(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    noise_levels: Annotated[Path, typer.Option(help="Long table over noise levels that holds the run.")],
    config: Annotated[Path, typer.Option(help="The experiment's config, with its claims.")],
    out: Annotated[Path, typer.Option(help="Markdown file to write.", callback=ends_in(".md", "Markdown"))],
    published: Annotated[Path | None, typer.Option(help="Folder of published values.")] = None,
) -> None:
    """The summary of a training run: training, accuracy at its noise level, verdict against the published
    value.
    """
    from normeq.suite.report.run_card import write_run_card
    from normeq.suite.results.published import published_files

    refuse_inputs([out], [run / "run.json", noise_levels, config, *published_files(published)])
    write_run_card(out, run, noise_levels, config, published)
    typer.echo(str(out))
