"""``normeq report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report_command(
    out: Annotated[Path, typer.Argument(help="The HTML file.")],
    config: Annotated[Path, typer.Option(help="results/<experiment>/config.yaml")],
    table: Annotated[list[Path] | None, typer.Option(help="Markdown table; repeat for more.")] = None,
    figure: Annotated[list[Path] | None, typer.Option(help="SVG or PNG; repeat for more.")] = None,
    run: Annotated[list[Path] | None, typer.Option(help="Run folder; repeat for more.")] = None,
    captions: Annotated[Path | None, typer.Option(help="Folder of captions (workflow/report).")] = None,
) -> None:
    """One offline HTML page: figures, tables, runs, protocol, config."""
    from normeq.report.page import write_report

    write_report(out, config, table or [], figure or [], run or [], captions)
    typer.echo(str(out))
