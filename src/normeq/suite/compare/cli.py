"""``normeq compare``. Heavy imports stand inside the function, so that every other command starts at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare_command(
    a: Annotated[
        Path,
        typer.Argument(metavar="A.CSV", help="A long table (noise_levels.csv, intervals.csv, …), before."),
    ],
    b: Annotated[Path, typer.Argument(metavar="B.CSV", help="The same kind of table, after.")],
    form: Annotated[
        str | None, typer.Option("--format", help="md, tex or html; without it what --out ends in, or md.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write instead of the terminal.")] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Compare network OLD of A with NEW of B; may be repeated."),
    ] = None,
) -> None:
    """What changed between two result sets: paired differences, ranks, what only one of them has."""
    from normeq.errors import NormeqError
    from normeq.suite.compare.changes import compare
    from normeq.suite.compare.document import FORMATS, render
    from normeq.system.files import atomic_path, refuse_inputs

    suffix = out.suffix.lstrip(".") if out is not None else ""
    if form is None and out is not None and suffix not in FORMATS:
        raise NormeqError(f"--out {out}: let it end in .{', .'.join(FORMATS)}, or give --format")
    form = form or suffix or "md"
    if form not in FORMATS:
        raise NormeqError(f"--format {form}: choose from {', '.join(FORMATS)}")
    refuse_inputs([out], [a, b])
    text = render(compare(a, b, _renames(rename or [])), str(a), str(b), form)
    if out is None:
        typer.echo(text, nl=False)
        return
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    typer.echo(out)


def _renames(pairs: list[str]) -> dict[str, str]:
    from normeq.errors import NormeqError

    renames: dict[str, str] = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise NormeqError(f"--rename {pair}: write OLD=NEW")
        if renames.setdefault(old, new) != new:
            raise NormeqError(f"--rename {pair}: {old} is already renamed to {renames[old]}")
    return renames
