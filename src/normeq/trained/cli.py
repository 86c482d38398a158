"""``normeq networks``."""

from __future__ import annotations

import typer

from normeq.trained import description, names


def networks_command() -> None:
    """The networks that come trained: names for every DENOISER, and for normeq.load(NAME)."""
    typer.echo("| name | network | variant | trained at σ | on | steps |")
    typer.echo("|---|---|---|---:|---|---:|")
    for name in names():
        about = description(name)
        cells = [name, about["network"]["name"], about["variant"], f"{about['sigma']:g}", about["dataset"]]
        typer.echo(f"| {' | '.join(cells)} | {about['recipe']['steps']:,} |")
