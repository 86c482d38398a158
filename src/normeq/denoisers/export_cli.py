"""``normeq export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_command(
    network: Annotated[str, typer.Argument(help="Name (normeq networks), run folder, or .safetensors file.")],
    out: Annotated[Path, typer.Option(help="File to write: .onnx, .pt2 (torch) or .safetensors.")],
    format: Annotated[
        str | None, typer.Option(help="onnx, torch or safetensors.  [default: by the suffix of OUT]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write a network for other programs, checked against PyTorch, with a record beside it (OUT.json)."""
    from normeq.denoisers.export import export_network

    record = export_network(network, out, format, force=force)
    worst = max(record["parity"]["part_of_range"].values())
    sides = record["sides"]
    multiple = f", multiples of {sides['multiple']}" if sides["multiple"] > 1 else ""
    typer.echo(
        f"{out}: for images of any size from {sides['least']} pixels{multiple}; differs from PyTorch by "
        f"{worst:.0e} of the range"
    )
