"""``normeq claims``. Heavy imports stand inside the function, so that every other command starts at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normeq.system.files import ends_in


def claims_command(
    noise_levels: Annotated[Path, typer.Argument(help="results/NAME/noise_levels.csv")],
    config: Annotated[Path, typer.Option(help="The experiment's config, with its claims.")],
    out: Annotated[Path, typer.Option(help="File to write: claims.json.", callback=ends_in(".json", "JSON"))],
    intervals: Annotated[Path | None, typer.Argument(help="results/NAME/intervals.csv")] = None,
    published: Annotated[Path | None, typer.Option(help="Folder of published values.")] = None,
    tuning: Annotated[Path | None, typer.Option(help="results/NAME/tuning.csv")] = None,
    certificate: Annotated[Path | None, typer.Option(help="What `normeq certify` wrote.")] = None,
    filters: Annotated[Path | None, typer.Option(help="results/NAME/tables/filters.csv")] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(help="JSON for `dvc metrics diff`: counts, values.", callback=ends_in(".json", "JSON")),
    ] = None,
    out_dir: Annotated[Path | None, typer.Option(help="Folder for claims.csv, .md and .tex.")] = None,
) -> None:
    """Is each claim of the config reproduced? Thresholds are the config's, the rule is in docs/claims.md."""
    from normeq.errors import NormeqError
    from normeq.suite.claims.spec import read_claims
    from normeq.suite.claims.table import make, tally
    from normeq.suite.claims.verdict import counts_and_values, judge
    from normeq.suite.formats.table import write_table
    from normeq.system.files import write_json

    claims = read_claims(config)
    if not claims:
        raise NormeqError(f"{config}: no claims in it; docs/claims.md says how to state one")
    records = judge(
        claims, noise_levels, intervals, published, tuning=tuning, certificate=certificate, filters=filters
    )
    if out_dir is not None:
        for path in write_table(make(records), out_dir):
            typer.echo(path)
    if metrics is not None:
        write_json(metrics, counts_and_values(records))
    write_json(out, records)
    typer.echo(f"{out}: {tally(records)}")
