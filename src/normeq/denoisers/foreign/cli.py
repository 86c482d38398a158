"""``normeq import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_command(
    file: Annotated[Path, typer.Argument(help="Weights of another program: .pth, .pt, .safetensors, …")],
    out: Annotated[
        Path,
        typer.Option(help="Name of the network: a folder, or a .safetensors file. Then a DENOISER."),
    ],
    layout: Annotated[
        str | None, typer.Option(help="Layout of the file (docs/import.md).  [default: recognised]")
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(help="scale or norm, where both fit.  [default: by the file's name]"),
    ] = None,
    member: Annotated[str | None, typer.Option(help="Which state dict of a file that holds several.")] = None,
    sigma: Annotated[
        str | None,
        typer.Option(
            help="Noise level of training in 8-bit units, 25 or 0-55.  [default: that of the published file]"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Turn weights of KAIR, DPIR, deepinv, Mohan et al. or the paper's authors into a network of ours."""
    from normeq.denoisers.foreign.convert import import_network

    _, _, line = import_network(file, out, layout, variant, member, sigma, force)
    typer.echo(f"{out}: {line}")
