"""``normeq networks``."""

from __future__ import annotations

import typer

from normeq.denoisers.pretrained import description, names


def networks_command() -> None:
    """The pretrained networks: names for every DENOISER, and for normeq.load(NAME)."""
    from normeq.training.spec import RunSpec

    typer.echo("| name | network | variant | trained at σ | on | steps, or time |")
    typer.echo("|---|---|---|---:|---|---:|")
    for name in names():
        spec = RunSpec.from_dict(description(name))
        length = f"{spec.recipe.steps:,}" if spec.recipe.steps else f"{spec.recipe.max_minutes:g} min"
        cells = [name, spec.network["name"], spec.variant, spec.sigma_label, spec.dataset, length]
        typer.echo(f"| {' | '.join(cells)} |")
