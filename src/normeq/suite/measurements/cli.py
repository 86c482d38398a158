"""``normeq evaluate …``, ``normeq collect`` and ``normeq metrics``.

Heavy imports stand inside the functions, so that every other command starts at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from normeq.errors import NormeqError
from normeq.imaging.protocol import get_protocol
from normeq.suite.measurements.arguments import check_sigmas, open_on, parse_numbers

if TYPE_CHECKING:
    import numpy as np

    from normeq.denoisers.open import Denoiser
    from normeq.suite.measurements.row_cache import Earlier

app = typer.Typer(
    help="Measure a denoiser: a trained network by name, a run folder, or NAME=module:callable.",
    no_args_is_help=True,
)

DenoiserArgument = Annotated[
    str,
    typer.Argument(
        help="Trained network (`normeq networks`), run folder, NAME=module:callable or NAME=file.py:callable."
    ),
]
Datasets = Annotated[list[str], typer.Option(help="Data set; repeat for more.")]
Sigmas = Annotated[list[float], typer.Option(help="Noise level in 8-bit units, above 0; repeat for more.")]
Draws = Annotated[int, typer.Option(min=1, help="Noise realisations per image.")]
Out = Annotated[Path, typer.Option(help="File to write.")]
DataDir = Annotated[Path, typer.Option(help="Folder of the data sets.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves PyTorch's choice.")]
Limit = Annotated[
    int | None, typer.Option("--images", min=1, help="Only the first N images of each data set.")
]
ProtocolOption = Annotated[str, typer.Option("--protocol", help="paper or kair; see `normeq protocol`.")]
Reuse = Annotated[
    list[Path] | None,
    typer.Option(
        help="Table, or folder of tables, of earlier measurements: those of the same denoiser, image and"
        " protocol are taken over, as are those already in OUT. Repeat for more."
    ),
]
ImageOption = Annotated[str, typer.Option(help="DATASET/NAME, such as set12/07.")]
CropOption = Annotated[str, typer.Option(help="ROW,COLUMN,SIZE in pixels.")]


@app.command("noise-levels")
def noise_levels_command(
    denoiser: DenoiserArgument,
    datasets: Datasets,
    sigmas: Sigmas,
    out: Out,
    draws: Draws = 1,
    images: Limit = None,
    protocol: ProtocolOption = "paper",
    reuse: Reuse = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """PSNR and SSIM over noise levels, one row per image, σ and draw."""
    from normeq.suite.measurements import noise_levels

    measure(
        noise_levels, out, denoiser, datasets, check_sigmas(sigmas), draws, images=images,
        protocol=protocol, reuse=reuse, data_dir=data_dir, device=device, threads=threads,
    )  # fmt: skip


@app.command("intervals")
def intervals_command(
    denoiser: DenoiserArgument,
    datasets: Datasets,
    interval: Annotated[list[str], typer.Option(help="A,B with A < B; repeat for more.")],
    out: Out,
    sigma: Annotated[float, typer.Option(help="Noise level in 8-bit units.")] = 25.0,
    draws: Draws = 1,
    images: Limit = None,
    protocol: ProtocolOption = "paper",
    reuse: Reuse = None,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """PSNR over normalisation intervals [a,b], one row per image, interval and draw."""
    from normeq.suite.measurements import intervals

    check_sigmas([sigma])
    ranges = [parse_numbers(text, 2, "--interval", float) for text in interval]
    measure(
        intervals, out, denoiser, datasets, sigma, ranges, draws, images=images,
        protocol=protocol, reuse=reuse, data_dir=data_dir, device=device, threads=threads,
    )  # fmt: skip


def measure(
    kind: ModuleType,
    out: Path,
    denoiser: str,
    *settings: object,
    images: int | None,
    protocol: str,
    reuse: list[Path] | None,
    data_dir: Path,
    device: str,
    threads: int,
    size: int = 0,
) -> None:
    """Write the long table of one kind of measurement, a module with ``evaluate`` and ``COLUMNS``."""
    from normeq.suite.measurements.row_cache import open_earlier

    conventions = get_protocol(protocol)
    for value in settings:
        if isinstance(value, list) and len(set(value)) < len(value):
            twice = next(entry for entry in value if value.count(entry) > 1)
            shown = ",".join(f"{x:g}" for x in twice) if isinstance(twice, tuple) else twice
            raise NormeqError(f"{shown} is given twice")
    earlier = open_earlier(reuse or [], out)
    opened, where = open_on(denoiser, device, threads)
    rows = kind.evaluate(
        opened, *settings, data_dir=data_dir, device=where, limit=images, size=size, protocol=conventions,
        earlier=earlier,
    )  # fmt: skip
    echo_rows(out, kind.COLUMNS, rows, earlier, [opened], data_dir)


def echo_rows(
    out: Path,
    columns: Sequence[str],
    rows: Iterable[dict[str, object]],
    earlier: Earlier,
    denoisers: Sequence[Denoiser],
    data_dir: Path,
) -> None:
    """Write a long table, and say what it holds."""
    from normeq.suite.measurements.row_cache import write_measurements

    for line in write_measurements(out, columns, rows, earlier, denoisers, data_dir):
        typer.echo(line)


def save_arrays(out: Path, arrays: dict[str, np.ndarray], denoiser: Denoiser) -> None:
    """Write a part of pictures (.npz), whole or not at all."""
    import numpy as np

    from normeq.system.files import atomic_path

    with atomic_path(out) as temporary, open(temporary, "wb") as handle:
        np.savez_compressed(handle, **arrays)
    if denoiser.world:
        denoiser.world.record(out)
    typer.echo(str(out))


@app.command("examples")
def examples_command(
    denoiser: DenoiserArgument,
    image: ImageOption,
    crop: CropOption,
    sigmas: Sigmas,
    out: Out,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """Denoised crops of one image over noise levels."""
    from normeq.suite.measurements import pictures

    part = pictures.Crop(*parse_numbers(crop, 3, "--crop"))
    opened, where = open_on(denoiser, device, threads)
    save_arrays(
        out,
        pictures.examples(opened, image, part, check_sigmas(sigmas), data_dir=data_dir, device=where),
        opened,
    )


@app.command("gallery")
def gallery_command(
    denoiser: DenoiserArgument,
    datasets: Datasets,
    sigmas: Sigmas,
    out: Out,
    size: Annotated[int, typer.Option(min=16, help="Side of the crops in pixels.")] = 64,
    context: Annotated[int, typer.Option(min=0, help="Pixels around a crop that the denoiser sees.")] = 48,
    images: Limit = None,
    interval: Annotated[list[str] | None, typer.Option(help="A,B with A < B; repeat for more.")] = None,
    interval_datasets: Annotated[
        list[str] | None, typer.Option(help="Of --datasets, those denoised on the intervals too.")
    ] = None,
    interval_sigma: Annotated[float, typer.Option(help="Noise level on the intervals.")] = 25.0,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """A small denoised crop of every image, over noise levels and intervals, for the report."""
    from normeq.suite.measurements.gallery import Intervals, gallery

    moved = None
    if interval:
        pairs = tuple(parse_numbers(text, 2, "--interval", float) for text in interval)
        moved = Intervals(tuple(interval_datasets or datasets), check_sigmas([interval_sigma])[0], pairs)
        foreign = sorted(set(moved.datasets) - set(datasets))
        if foreign:
            raise NormeqError(
                f"--interval-datasets {foreign[0]}: not one of --datasets {', '.join(datasets)}"
            )
    opened, where = open_on(denoiser, device, threads)
    arrays = gallery(
        opened, datasets, check_sigmas(sigmas), size, context, moved,
        data_dir=data_dir, device=where, limit=images,
    )  # fmt: skip
    save_arrays(out, arrays, opened)


@app.command("filters")
def filters_command(
    denoiser: DenoiserArgument,
    image: ImageOption,
    crop: CropOption,
    sigmas: Sigmas,
    pixel: Annotated[list[str], typer.Option(help="ROW,COLUMN inside the crop; repeat for more.")],
    out: Out,
    radius: Annotated[int, typer.Option(min=1, help="Half the side of the window shown, in pixels.")] = 10,
    data_dir: DataDir = Path("data"),
    device: Device = "auto",
    threads: Threads = 0,
) -> None:
    """Adaptive filters at some pixels of one crop over noise levels, of what PyTorch can differentiate."""
    from normeq.denoisers import sources
    from normeq.suite.measurements import pictures

    part = pictures.Crop(*parse_numbers(crop, 3, "--crop"))
    pixels = [parse_numbers(text, 2, "--pixel") for text in pixel]
    opened, where = open_on(denoiser, device, threads)
    try:
        arrays = pictures.filters(
            opened, image, part, check_sigmas(sigmas), pixels, radius, data_dir=data_dir, device=where
        )
    except NormeqError as error:
        # Only now is it known that a user's denoiser has none: figures of the others must not fail for it.
        if not (sources.in_workflow() and opened.world):
            raise
        typer.echo(f"{opened.network}: left out of the filters: {error}")
        arrays = pictures.left_out(opened, image, part, str(error))
    save_arrays(out, arrays, opened)


def collect_command(
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    parts: Annotated[list[Path], typer.Argument(help="Tables to put together.")],
) -> None:
    """Put tables of several denoisers together, sorted; refuses double measurements."""
    from normeq.suite.measurements.rows import collect

    typer.echo(f"{out}: {collect(parts, out)} measurements")


def metrics_command(
    noise_levels: Annotated[Path, typer.Argument(help="results/NAME/noise_levels.csv")],
    out: Out,
    intervals: Annotated[Path | None, typer.Argument(help="results/NAME/intervals.csv")] = None,
) -> None:
    """The summary that `dvc metrics diff` compares: mean PSNR, and the cost of the worst interval."""
    from normeq.suite.analysis.headline import summarise_experiment
    from normeq.system.files import write_json

    write_json(out, summarise_experiment(noise_levels, intervals))
    typer.echo(str(out))
