"""``normeq certify``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normeq.errors import NormeqError
from normeq.suite.measurements.cli import DataDir, Device, Out, Reuse, Threads, check_sigmas

if TYPE_CHECKING:
    from normeq.suite.measurements.batches import Image
    from normeq.suite.measurements.certificate import Change


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
            help="float64, float32, tf32 (GPU), emulated-tf32, [all-]bfloat16, [all-]float16; repeat."
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
    published_datasets: Annotated[
        list[str] | None,
        typer.Option(
            help="Data set over which the published metric is a mean, in float32; repeat for more."
            "  [default: the images and the noise level above, in every arithmetic]"
        ),
    ] = None,
    published_sigmas: Annotated[
        list[float] | None,
        typer.Option(help="Noise level of the published metric there; repeat for more.  [default: --sigma]"),
    ] = None,
    also_cpu: Annotated[
        bool, typer.Option("--also-cpu", help="On the CPU as well, where the device is a GPU.")
    ] = False,
    reuse: Reuse = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """Is f(λy + μ) = λf(y) + μ? Measured for any denoiser, with ✓ or ✗ for scale, shift and both."""
    import torch

    from normeq.denoisers.arithmetic import ARITHMETICS, get_arithmetic
    from normeq.denoisers.open import OTHER, open_denoiser
    from normeq.suite.measurements.batches import Image, test_images
    from normeq.suite.measurements.certificate import (
        COLUMNS,
        SCALES,
        SHIFTS,
        certify,
        changes,
        find_image,
        published_changes,
    )
    from normeq.suite.measurements.row_cache import open_earlier, write_measurements
    from normeq.suite.tables import certificate
    from normeq.suite.tables.formats import write_table
    from normeq.system.allocator import keep_freed_memory
    from normeq.system.provenance import pick_device

    levels = check_sigmas(published_sigmas or [sigma])
    check_sigmas([sigma])
    if table_dir is not None and (table_dir / "certificate.csv").resolve() == out.resolve():
        raise NormeqError(f"--table-dir {table_dir}: the table would overwrite {out}; choose another folder")
    if published_sigmas and not published_datasets:
        raise NormeqError("--published-sigmas: name the images too, with --published-datasets")
    for option, values in (("--image", image), ("--published-datasets", published_datasets)):
        for value in values or []:
            if values.count(value) > 1:
                raise NormeqError(f"{option}: {value} is given twice")
    if published_datasets and dtype and "float32" not in dtype:
        raise NormeqError("--published-datasets: measured in float32, which --dtype leaves out")
    grid = changes(scale or SCALES, shift or SHIFTS)
    earlier = open_earlier(reuse or [], out)
    if threads:
        torch.set_num_threads(threads)
    keep_freed_memory()
    first = pick_device(device)
    asked = list(dict.fromkeys(dtype or []))
    for name in asked:
        get_arithmetic(name, first)
    opened = [(first, open_denoiser(text, first)) for text in denoisers]
    for number, (_, one) in enumerate(opened):
        if (one.labels, one.weights) in [(other.labels, other.weights) for _, other in opened[:number]]:
            raise NormeqError(f"denoiser {denoisers[number]} is named twice")
        if one.variant == OTHER and one.labels in [other.labels for _, other in opened[:number]]:
            raise NormeqError(
                f"two denoisers are called {one.network}: {denoisers[number]} needs a name of its own"
            )
    # Functions of arrays compute on the CPU, whatever the device.
    cpu = torch.device("cpu")
    opened = [(where if isinstance(one.function, torch.nn.Module) else cpu, one) for where, one in opened]
    if also_cpu:
        texts = [text for text, (where, _) in zip(denoisers, opened, strict=True) if where.type != "cpu"]
        opened += [(cpu, open_denoiser(text, cpu)) for text in texts]
    images = [find_image(name, size, data_dir) for name in image or ["skimage-test/camera"]]

    def cases(arithmetic: str) -> Iterator[tuple[Image, float, list[Change]]]:
        """Clean image, noise level and changes of range: the grid, and the draws of the published metric."""
        yield from ((one, sigma, grid) for one in images)
        wide: Iterable[Image] = images
        if published_datasets:
            wide = (Image(*entry, size) for entry in test_images(published_datasets, data_dir))
        if not published_datasets or arithmetic == "float32":
            for one in wide:
                yield from ((one, s, published_changes(one.dataset, one.name, s)) for s in levels)

    def rows() -> Iterator[dict[str, object]]:
        for where, denoiser in opened:
            able = [name for name, one in ARITHMETICS.items() if where.type == "cuda" or not one.tf32]
            for name in (name for name in asked or able if name in able):
                count = 0
                for case in cases(name):
                    for row in certify(denoiser, *case, ARITHMETICS[name], where, earlier):
                        count += 1
                        yield row
                if not count:
                    typer.echo(f"{denoiser.network}: does not compute in {name}, left out")

    for line in write_measurements(out, COLUMNS, rows(), earlier, [one for _, one in opened], data_dir):
        typer.echo(line)
    if table_dir is not None:
        for path in write_table(certificate.make(out), table_dir):
            typer.echo(str(path))
