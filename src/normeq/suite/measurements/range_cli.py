"""``normeq evaluate heatmap``, ``interval-pictures`` and ``tuning``: what the range of the input changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normeq.errors import NormeqError
from normeq.suite.measurements.cli import (
    CropOption,
    DataDir,
    Datasets,
    DenoiserArgument,
    Device,
    Draws,
    ImageOption,
    Limit,
    Out,
    ProtocolOption,
    Reuse,
    Sigmas,
    Threads,
    app,
    check_sigmas,
    measure,
    open_on,
    parse_numbers,
    save_arrays,
)

Sigma = Annotated[float, typer.Option(help="Noise level in 8-bit units.")]
Scales = Annotated[list[float], typer.Option("--scale", help="λ above 0; repeat for more.")]
Shifts = Annotated[
    list[float], typer.Option("--shift", help="μ on the nominal range [0,1]; repeat for more.")
]

Size = Annotated[
    int, typer.Option(min=0, help="Side of the square used, from the middle; 0 for the whole image.")
]


def _check_range(scales: list[float], shifts: list[float]) -> None:
    """Refuse scales that are not positive, finite numbers, and shifts that are not finite."""
    for scale in scales:
        if not 0 < scale < float("inf"):
            raise NormeqError(f"--scale must be a positive number, got {scale:g}")
    for shift in shifts:
        if not abs(shift) < float("inf"):
            raise NormeqError(f"--shift must be a finite number, got {shift:g}")


@app.command("heatmap")
def heatmap_command(
    denoiser: DenoiserArgument,
    datasets: Datasets,
    scale: Scales,
    shift: Shifts,
    out: Out,
    sigma: Sigma = 25.0,
    draws: Draws = 1,
    images: Limit = None,
    size: Size = 128,
    protocol: ProtocolOption = "paper",
    reuse: Reuse = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """PSNR over a grid of scales b - a and shifts a of the interval [a,b]."""
    from normeq.suite.measurements import heatmap

    check_sigmas([sigma])
    _check_range(scale, shift)
    measure(
        heatmap, out, denoiser, datasets, sigma, scale, shift, draws, images=images, size=size,
        protocol=protocol, reuse=reuse, data_dir=data_dir, device=device, threads=threads,
    )  # fmt: skip


@app.command("interval-pictures")
def interval_pictures_command(
    denoiser: DenoiserArgument,
    image: ImageOption,
    crop: CropOption,
    interval: Annotated[list[str], typer.Option(help="A,B with A < B; repeat for more.")],
    out: Out,
    sigma: Sigma = 25.0,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """One crop denoised on every interval [a,b]."""
    from normeq.suite.measurements import pictures

    check_sigmas([sigma])
    part = pictures.Crop(*parse_numbers(crop, 3, "--crop"))
    pairs = [parse_numbers(text, 2, "--interval", float) for text in interval]
    opened, where = open_on(denoiser, device, threads)
    arrays = pictures.interval_pictures(opened, image, part, sigma, pairs, data_dir=data_dir, device=where)
    save_arrays(out, arrays, opened)


@app.command("tuning")
def tuning_command(
    denoiser: DenoiserArgument,
    datasets: Datasets,
    sigmas: Sigmas,
    scale: Scales,
    shift: Shifts,
    out: Out,
    draws: Draws = 1,
    images: Limit = None,
    size: Size = 0,
    protocol: ProtocolOption = "paper",
    reuse: Reuse = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """PSNR of λ·f(y/λ) and f(y - μ) + μ, for denoisers that are not equivariant to them."""
    from normeq.suite.measurements import tuning

    levels = check_sigmas(sigmas)
    _check_range(scale, shift)
    measure(
        tuning, out, denoiser, datasets, levels, scale, shift, draws, images=images, size=size,
        protocol=protocol, reuse=reuse, data_dir=data_dir, device=device, threads=threads,
    )  # fmt: skip
