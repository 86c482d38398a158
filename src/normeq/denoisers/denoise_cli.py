"""``normeq denoise``. Heavy imports stand inside the function, so that every other command starts at once."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normeq.errors import NormeqError, explain

if TYPE_CHECKING:
    from rich.progress import Progress


def denoise_command(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Image files, or folders of them.")],
    out: Annotated[
        str,
        typer.Option(help="The file to write; for several files or a folder, a folder (its tree is kept)."),
    ],
    network: Annotated[
        str, typer.Option(help="Name (normeq networks), run folder, or file.py:callable.")
    ] = "fdncnn-norm-sigma25",
    sigma: Annotated[
        float | None, typer.Option(help="Noise in the units of the image, for networks that take it.")
    ] = None,
    span: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--range",
            metavar="LO HI",
            help="Black and white, for networks that are not normalization-equivariant; 8-bit files: 0 255.",
        ),
    ] = None,
    tile: Annotated[
        str, typer.Option(help="auto, whole, or the side of a tile in pixels; the result is the same.")
    ] = "auto",
    channel_axis: Annotated[
        int | None, typer.Option(help="Axis of the channels of NPY files, such as -1.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that are there.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves PyTorch's choice.")] = 0,
) -> None:
    """Denoise images: PNG, TIFF, NPY, FITS, NIfTI and more, in any range; type and metadata stay as they are.

    Stacks are denoised page by page, and colour channel by channel where the network takes gray images. See
    docs/denoise.md.
    """
    side: int | str | None = {"auto": "auto", "whole": None}.get(tile, tile)
    if isinstance(side, str) and side != "auto":
        if not side.isdecimal() or not int(side):
            raise NormeqError(f"--tile must be auto, whole, or a number of pixels, not {tile!r}")
        side = int(side)
    from normeq.denoisers.denoise import check_range, check_sigma
    from normeq.denoisers.denoise_files import denoise_file, plan
    from normeq.denoisers.opened import open_network
    from normeq.denoisers.tiles import check_tile
    from normeq.system.allocator import keep_freed_memory
    from normeq.system.threads import use_threads

    keep_freed_memory()
    use_threads(threads)
    opened = open_network(network, device)
    check_sigma(sigma, opened)
    check_tile(side, opened)
    if span is not None:
        check_range(span)
    work = plan(sources, Path(out), force, into=out.endswith(("/", "\\")))
    notes: dict[str, list[Path]] = defaultdict(list)
    failed: list[str] = []
    with _bar(len(work.pairs)) as bar:
        for number, (source, target) in enumerate(work.pairs):

            def progress(done: float, before: int = number, name: str = source.name) -> None:
                if bar is not None:
                    bar.update(bar.task_ids[0], completed=before + done, description=name)

            progress(0.0)
            try:
                told = denoise_file(
                    source, target, opened, sigma=sigma, range=span, tile=side, channel_axis=channel_axis,
                    progress=progress,
                )  # fmt: skip
            except Exception as error:
                line = explain(error) or f"{source}: {type(error).__name__}: {' '.join(str(error).split())}"
                if len(work.pairs) == 1:
                    raise NormeqError(line) from error
                failed.append(line)
                continue
            for note in told:
                notes[note].append(source)
    for note, files in notes.items():
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        typer.echo(f"{files[0]}{more}: {note}", err=True)
    if work.left_out.total():
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(work.left_out.items()) if count)
        typer.echo(f"left out: {why}", err=True)
    for line in failed:
        typer.echo(f"normeq: failed: {line}", err=True)
    if failed:
        raise NormeqError(f"{len(failed)} of {len(work.pairs)} files failed (above); the others are in {out}")


@contextmanager
def _bar(files: int) -> Iterator[Progress | None]:
    """A bar with the time left, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()]
    if files > 1:
        columns.insert(2, MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        bar.add_task("", total=files)
        yield bar
