"""``normeq table``: one command per table of the register; heavy imports stand inside the functions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normeq.suite.products.commands import add_commands
from normeq.suite.tables.registry import TableKind, tables

table_app = typer.Typer(help="Make a table (CSV, Markdown and LaTeX).", no_args_is_help=True)


def _write(table: TableKind, inputs: list, folder: Path, published: list) -> list[Path]:
    from normeq.suite.formats.table import write_table

    return write_table(table.make(*inputs, *published), folder)


def _files(table: TableKind, folder: Path) -> list[Path]:
    from normeq.suite.formats.table import table_files

    return table_files(table.name, folder)


Folder = Annotated[Path, typer.Option("--out-dir", help="Folder for NAME.csv, NAME.md and NAME.tex.")]
add_commands(table_app, tables(), "out_dir", Folder, _write, _files)
