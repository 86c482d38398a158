"""``normeq protocol``: the protocol card."""

from __future__ import annotations

from typing import Annotated

import typer

from normeq.imaging.protocol import PRESETS, get_protocol


def protocol_command(
    name: Annotated[str | None, typer.Argument(help="paper or kair; without it both.")] = None,
) -> None:
    """How images become numbers: the conventions of every table, as a Markdown table."""
    shown = [get_protocol(name)] if name else list(PRESETS.values())
    cards = [protocol.card() for protocol in shown]
    typer.echo(f"| | {' | '.join(f'`{protocol.name}`' for protocol in shown)} |")
    typer.echo("|---" * (len(shown) + 1) + "|")
    for subject, words in cards[0].items():
        other = ["the same" if card[subject] == words else card[subject] for card in cards[1:]]
        typer.echo(f"| {' | '.join([subject, words, *other])} |")
