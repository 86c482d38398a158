"""``normeq table NAME`` and ``normeq figure NAME``, made from what tables and figures declare."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from normeq.suite.products.product import Product
from normeq.system.files import refuse_inputs

Published = Annotated[
    Path | None,
    typer.Option(help="Folder of published values (data/published), to be shown beside ours."),
]


def add_commands(
    app: typer.Typer,
    products: Iterable[Product],
    option: str,
    where: Any,
    write: Callable[..., list[Path]],
    targets: Callable[..., Iterable[Path]],
) -> None:
    """Add one command per product: what it reads, where it is written, and perhaps published values.

    Args:
        option: name of the parameter that says where to write.
        where: its type, with help, as Typer takes it.
        write: ``write(product, inputs, where, published)`` makes the product and returns the files written;
            ``inputs`` and ``published`` hold what the command was given, nothing where the product has none.
        targets: ``targets(product, where)`` names these files before there is anything.
    """
    for product in products:
        app.command(product.command)(_command(product, option, where, write, targets))


def _command(
    product: Product,
    option: str,
    where: Any,
    write: Callable[..., list[Path]],
    targets: Callable[..., Iterable[Path]],
) -> Callable:
    def command(**given: Any) -> None:
        from normeq.suite.results.published import published_files

        inputs = [given["source"]] if product.reads else []
        published = [given["published"]] if product.published else []
        files = [file for one in inputs for file in (one if isinstance(one, list) else [one])]
        refuse_inputs(targets(product, given[option]), [*files, *published_files(*published)])
        for path in write(product, inputs, given[option], published):
            typer.echo(path)

    hints: dict[str, Any] = {"source": _source(product)} if product.reads else {}
    hints[option] = where
    if product.published:
        hints["published"] = Published
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name, kind, annotation=hint, default=None if name == "published" else inspect.Parameter.empty
            )
            for name, hint in hints.items()
        ]
    )
    command.__annotations__ = hints
    command.__doc__ = product.help
    return command


def _source(product: Product) -> Any:
    if product.reads == "runs":
        return Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.")]
    if product.of_parts:
        help = "One part per denoiser, of the same crop."
        return Annotated[list[Path], typer.Argument(metavar="PART.NPZ...", help=help)]
    help = f"The long table results/NAME/{product.reads}."
    return Annotated[Path, typer.Argument(metavar=str(product.reads).upper(), help=help)]
