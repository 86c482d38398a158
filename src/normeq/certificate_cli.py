"""``normeq certify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normeq.errors import NormeqError
from normeq.evaluation.cli import DataDir, Device, Out, Threads, check_sigmas


def certify_command(
    denoisers: Annotated[
        list[str],
        typer.Argument(metavar="DENOISER...", help="Each a name, a run folder, or NAME=module:callable."),
    ],
    out: Out,
    image: Annotated[
        list[str] | None, typer.Option(help="DATASET/NAME; repeat for more.  [default: skimage-test/camera]")
    ] = None,
    sigma: Annotated[float, typer.Option(help="Noise level in 8-bit units.")] = 25.0,
    table_dir: Annotated[
        Path | None, typer.Option(help="Folder for the table of ✓ and ✗: certificate.csv, .md, .tex.")
    ] = None,
    dtype: Annotated[
        list[str] | None,
        typer.Option(
            help="float64, float32, tf32 (GPU), bfloat16 or float16; repeat for more."
            "  [default: all that the device has]"
        ),
    ] = None,
    scale: Annotated[
        list[float] | None, typer.Option(help="λ; repeat for more.  [default: 0.001 0.1 2 40 255]")
    ] = None,
    shift: Annotated[
        list[float] | None, typer.Option(help="μ; repeat for more.  [default: -1 -0.25 0.5 10]")
    ] = None,
    size: Annotated[
        int, typer.Option(min=0, help="Side of the square used, from the middle; 0 for the whole image.")
    ] = 128,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """Is f(λy + μ) = λf(y) + μ? Measured for any denoiser, with ✓ or ✗ for scale, shift and both."""
    import torch

    from normeq.arithmetic import ARITHMETICS, get_arithmetic
    from normeq.certificate import COLUMNS, SCALES, SHIFTS, certify, changes, noisy_image
    from normeq.evaluation.denoisers import open_denoiser
    from normeq.evaluation.tables import write_rows
    from normeq.provenance import pick_device
    from normeq.tables import certificate
    from normeq.tables.formats import write_table

    check_sigmas([sigma])
    if table_dir is not None and (table_dir / "certificate.csv").resolve() == out.resolve():
        raise NormeqError(f"--table-dir {table_dir}: the table would overwrite {out}; choose another folder")
    grid = changes(scale or SCALES, shift or SHIFTS)
    if threads:
        torch.set_num_threads(threads)
    where = pick_device(device)
    default = [name for name, one in ARITHMETICS.items() if where.type == "cuda" or not one.tf32]
    arithmetics = [get_arithmetic(name, where) for name in dict.fromkeys(dtype or default)]
    opened = [open_denoiser(text, where) for text in denoisers]
    for number, one in enumerate(opened):
        if (one.labels, one.weights) in [(other.labels, other.weights) for other in opened[:number]]:
            raise NormeqError(f"denoiser {denoisers[number]} is named twice")
    images = {name: noisy_image(name, sigma, size, data_dir) for name in image or ["skimage-test/camera"]}

    def rows():
        for denoiser in opened:
            for arithmetic in arithmetics:
                count = 0
                for name, noisy in images.items():
                    for row in certify(denoiser, noisy, name, sigma, arithmetic, grid, where):
                        count += 1
                        yield row
                if not count:
                    typer.echo(f"{denoiser.network}: does not compute in {arithmetic.name}, left out")

    typer.echo(f"{out}: {write_rows(out, COLUMNS, rows())} measurements")
    if table_dir is not None:
        for path in write_table(certificate.make(out), table_dir):
            typer.echo(str(path))
