"""``normeq claims``, with an option for each table that some kind of claim is about. Heavy imports stand
inside the function, so that every other command starts at once."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from normeq.suite.claims.registry import claim_kinds
from normeq.system.files import ends_in

POSITIONAL = ("noise_levels", "intervals")  # tables that are arguments; others are options


def claims_command(**given: Any) -> None:
    """Is each claim of the config reproduced? Thresholds are the config's, the rule is in docs/claims.md."""
    from normeq.errors import NormeqError
    from normeq.suite.claims.spec import read_claims
    from normeq.suite.claims.table import make, tally
    from normeq.suite.claims.verdict import counts_and_values, judge
    from normeq.suite.formats.table import table_files, write_table
    from normeq.suite.results.published import published_files
    from normeq.system.files import refuse_inputs, write_json

    config, out, folder = given["config"], given["out"], given["out_dir"]
    targets = [out, given["metrics"], *(table_files("claims", folder) if folder is not None else ())]
    refuse_inputs(
        targets, [config, *published_files(given["published"]), *(given[name] for name in _tables())]
    )
    claims = read_claims(config)
    if not claims:
        raise NormeqError(f"{config}: no claims in it; docs/claims.md says how to state one")
    tables = {name: given[name] for name in _tables() if given[name] is not None}
    records = judge(claims, tables, given["published"])
    if folder is not None:
        for path in write_table(make(records), folder):
            typer.echo(path)
    if given["metrics"] is not None:
        write_json(given["metrics"], counts_and_values(records))
    write_json(out, records)
    typer.echo(f"{out}: {tally(records)}")


def _tables() -> dict[str, str]:
    """Measurement -> file below ``results/NAME`` that claims on it read."""
    return {kind.measurement: kind.reads for kind in claim_kinds().values()}


def _parameters() -> list[inspect.Parameter]:
    """What the command takes."""
    needed, is_json = inspect.Parameter.empty, ends_in(".json", "JSON")
    first, second = POSITIONAL
    tables = {name: f"results/NAME/{file}" for name, file in _tables().items()}
    every: dict[str, tuple[Any, Any]] = {
        first: (Annotated[Path, typer.Argument(help=tables.pop(first))], needed),
        second: (Annotated[Path | None, typer.Argument(help=tables.pop(second))], None),
        "config": (Annotated[Path, typer.Option(help="The experiment's config, with its claims.")], needed),
        "out": (Annotated[Path, typer.Option(help="File to write: claims.json.", callback=is_json)], needed),
        "published": (Annotated[Path | None, typer.Option(help="Folder of published values.")], None),
        **{name: (Annotated[Path | None, typer.Option(help=file)], None) for name, file in tables.items()},
        "metrics": (
            Annotated[
                Path | None,
                typer.Option(help="JSON for `dvc metrics diff`: counts, values.", callback=is_json),
            ],
            None,
        ),
        "out_dir": (Annotated[Path | None, typer.Option(help="Folder for claims.csv, .md and .tex.")], None),
    }
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in every.items()
    ]


claims_command.__signature__ = inspect.Signature(_parameters())  # type: ignore[attr-defined]
claims_command.__annotations__ = {one.name: one.annotation for one in _parameters()}
