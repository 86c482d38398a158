"""`normeq data`: get, verify, list and describe data sets."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from normeq.errors import NormeqError
from normeq.suite.data import registry
from normeq.suite.data.fetch import get
from normeq.suite.data.verify import verify

app = typer.Typer(help="Get, verify, list and describe the data sets.", no_args_is_help=True)

Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Data sets; `normeq data list` shows them.")
]
DataDir = Annotated[Path, typer.Option("--data-dir", help="The folder that holds one folder per data set.")]
DATA = Path("data")


@app.command("get")
def get_command(
    names: Names,
    data_dir: DataDir = DATA,
    remote: Annotated[
        str | None,
        typer.Option(help="A DVC remote's name, or a folder or address laid out as one; public: the origin."),
    ] = None,
) -> None:
    """Place data sets in DATA_DIR/NAME, every file's sha256 checked. Nothing is done for those in place."""
    for name in names:
        placed = get(name, data_dir, remote)
        checked = ", verified" if registry.get(name, data_dir).manifest else ""
        typer.echo(f"{name}: {placed.images} images in {_folders(name, data_dir)} ({placed.source}{checked})")


@app.command("verify")
def verify_command(names: Names, data_dir: DataDir = DATA) -> None:
    """Check placed data sets: every file's sha256, none missing, none extra."""
    failures = []
    for name in names:
        try:
            typer.echo(f"{name}: {verify(name, data_dir)} images, as {_pinned(name, data_dir)}")
        except NormeqError as error:
            failures.append(str(error))
    if failures:
        raise NormeqError(" | ".join(failures))


@app.command("list")
def list_command(data_dir: DataDir = DATA) -> None:
    """List the data sets: what each one is, and whether it is in place. Terms and origins: `info NAME`."""
    table = Table(Column("name", no_wrap=True), "kind", "images", "in place", "what")
    for name, dataset in registry.load(data_dir).items():
        there = all((data_dir / folder).is_dir() for folder in dataset.members or (name,))
        images = "any" if dataset.files is None else f"{dataset.files:,}"
        table.add_row(name, dataset.kind, images, "yes" if there else "no", dataset.title)
    Console().print(table)


@app.command("info")
def info_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A data set.")], data_dir: DataDir = DATA
) -> None:
    """Say all about one data set: origin, terms, how to place it by hand, pin."""
    dataset = registry.get(name, data_dir)
    table = Table(Column(no_wrap=True), Column(overflow="fold"), show_header=False)
    for key in ("name", "title", "kind", "files", "origin", "terms", "redistribution", "place", "notes"):
        value = getattr(dataset, key)
        if value not in ("", None):
            table.add_row(key, str(value))
    if dataset.range:
        table.add_row("range", "{:g} ... {:g}".format(*dataset.range))
    if dataset.members:
        table.add_row("members", ", ".join(dataset.members))
    for file, record in dataset.manifest.items():
        if record.terms:
            table.add_row(file, record.terms)
    table.add_row("pin", registry.pin(name, data_dir))
    Console().print(table)


def _folders(name: str, data_dir: Path) -> str:
    dataset = registry.get(name, data_dir)
    members = [registry.get(member, data_dir) for member in dataset.members] or [dataset]
    return ", ".join(str(member.folder(data_dir)) for member in members)


def _pinned(name: str, data_dir: Path) -> str:
    hashed = bool(registry.get(name, data_dir).manifest)
    return "pinned (sha256)" if hashed else "placed by hand (counted, not hashed)"
