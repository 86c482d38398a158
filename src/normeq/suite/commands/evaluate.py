"""``normeq evaluate KIND``, made from the typed settings of each measurement; ``certify``, ``collect`` and
``metrics``. Heavy imports stand inside the functions, so that every other command starts at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from normeq.errors import NormeqError
from normeq.system.files import ends_in

if TYPE_CHECKING:
    import torch

    from normeq.denoisers.open import Denoiser
    from normeq.suite.measuring.registry import Measurement
    from normeq.suite.measuring.row_cache import RowCache
    from normeq.suite.measuring.settings import Settings

DenoiserArgument = Annotated[
    str,
    typer.Argument(
        help="Trained network (`normeq networks`), run folder, NAME=module:callable or NAME=file.py:callable."
    ),
]
Out = Annotated[Path, typer.Option(help="Table to write (.csv).", callback=ends_in(".csv", "a table"))]
ArraysOut = Annotated[
    Path, typer.Option(help="Arrays to write (.npz).", callback=ends_in(".npz", "a zip of arrays"))
]
DataDir = Annotated[Path, typer.Option(help="Folder of the data sets.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves PyTorch's choice.")]
ProtocolOption = Annotated[str, typer.Option("--protocol", help="paper or kair; see `normeq protocol`.")]
SettingsOption = Annotated[
    str | None,
    typer.Option("--settings", help="All settings as JSON, as the config has them, in place of options."),
]
Reuse = Annotated[
    list[Path] | None,
    typer.Option(
        help="Table, or folder of tables, of earlier measurements: those of the same denoiser, image and"
        " protocol are taken over, as are those already in OUT. Repeat for more."
    ),
]


class EvaluateGroup(TyperGroup):
    """The commands, made when they are asked for: the settings of all measurements take a moment to read."""

    def _made(self) -> TyperGroup:
        return typer.main.get_command(_commands())

    def list_commands(self, ctx: Any) -> list[str]:
        return self._made().list_commands(ctx)

    def get_command(self, ctx: Any, name: str) -> Any:
        return self._made().get_command(ctx, name)


app = typer.Typer(
    cls=EvaluateGroup,
    help="Measure a denoiser: a trained network by name, a run folder, or NAME=module:callable.",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Without a callback and commands of its own, Typer would not take it for a group."""


def _commands() -> typer.Typer:
    from normeq.suite.measuring.registry import all_measurements

    made = typer.Typer(rich_markup_mode="markdown")  # rich's own would swallow the [a,b]
    for kind in all_measurements().values():
        made.command(kind.command, help=inspect.cleandoc(kind.settings.__doc__ or ""))(_command(kind))
    made.command("_", hidden=True)(lambda: None)  # with one command alone Typer makes no group
    return made


def _command(kind: Measurement) -> Callable[..., None]:
    """What ``normeq evaluate KIND`` calls: its parameters are the settings, then the surroundings."""
    from normeq.suite.measuring.options import parameters, settings_from

    def run(**given: Any) -> None:
        surroundings = {name: given.pop(name, None) for name in _SURROUNDINGS}
        settings = settings_from(kind, given, surroundings.pop("settings"))
        measure(kind, given["denoiser"], settings, **surroundings)

    own = _surroundings(kind)
    head = [inspect.Parameter("denoiser", inspect.Parameter.KEYWORD_ONLY, annotation=DenoiserArgument)]
    run.__signature__ = inspect.Signature([*head, *parameters(kind.settings), *own])
    run.__annotations__ = {p.name: p.annotation for p in run.__signature__.parameters.values()}
    return run


_SURROUNDINGS = ("settings", "out", "protocol", "reuse", "data_dir", "device", "threads")


def _surroundings(kind: Measurement) -> list[inspect.Parameter]:
    """What is said beside the settings."""
    table: dict[str, tuple[Any, Any]] = {
        "out": (Out if kind.columns else ArraysOut, inspect.Parameter.empty),
        "settings": (SettingsOption, None),
        **({"protocol": (ProtocolOption, "paper")} if kind.follows_protocol else {}),
        **({"reuse": (Reuse, None)} if kind.reuses_rows else {}),
        "data_dir": (DataDir, Path("data")),
        "device": (Device, "auto"),
        "threads": (Threads, 0),
    }
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in table.items()
    ]


def open_on(text: str, device: str, threads: int) -> tuple[Denoiser, torch.device]:
    """Open a denoiser (see :func:`normeq.denoisers.open.open_denoiser`) on a device, and name that."""
    import torch

    from normeq.denoisers.open import open_denoiser
    from normeq.system.allocator import keep_freed_memory
    from normeq.system.provenance import pick_device
    from normeq.system.threads import use_threads

    use_threads(threads)
    keep_freed_memory()
    where = pick_device(device)
    torch.backends.cudnn.allow_tf32 = False  # PyTorch allows it, and float32 should be float32
    return open_denoiser(text, where), where


def measure(
    kind: Measurement,
    denoiser: str,
    settings: Settings,
    *,
    out: Path,
    protocol: str | None,
    reuse: list[Path] | None,
    data_dir: Path,
    device: str,
    threads: int,
) -> None:
    """Measure one denoiser and write its file, whole or not at all."""
    from normeq.denoisers import sources
    from normeq.imaging.protocol import get_protocol
    from normeq.suite.measuring.row_cache import open_row_cache
    from normeq.system.locks import clear_lock
    from normeq.training.lock import LOCK

    setup: dict[str, Any] = {"data_dir": data_dir}
    if kind.follows_protocol:
        setup["protocol"] = get_protocol(protocol or "paper")
    row_cache = open_row_cache(reuse or [], out, kind.columns) if kind.columns else None
    opened, setup["device"] = open_on(denoiser, device, threads)
    clear_lock(Path(denoiser) / LOCK)  # of a training that was killed when all but this was done
    if row_cache is not None:
        if kind.reuses_rows:
            setup["row_cache"] = row_cache
        rows = kind.evaluate(opened, settings, **setup)
        _write_table(
            out, kind.columns, rows, row_cache, [opened], data_dir, settings.datasets_read(), kind.reuses_rows
        )
        return
    try:
        arrays = kind.evaluate(opened, settings, **setup)
    except NormeqError as error:
        # Only now is it known that a user's denoiser has no derivatives; figures of others must not fail.
        if not (kind.derivatives and sources.in_workflow() and opened.world):
            raise
        typer.echo(f"{opened.network}: left out of the {kind.name}: {error}")
        arrays = _left_out(opened, settings, str(error))
    _save_arrays(out, arrays, opened)


def _left_out(denoiser: Denoiser, settings: Settings, why: str) -> dict[str, Any]:
    """A part that stands for pictures which cannot be made: ``meta`` alone, which says ``why``."""
    import numpy as np

    from normeq.denoisers.open import describe

    dataset, _, name = settings.image.partition("/")
    crop, why = list(settings.crop), " ".join(why.split())
    return {"meta": np.array(describe(denoiser, dataset=dataset, image=name, crop=crop, left_out=why))}


def _write_table(
    out: Path,
    columns: Iterable[str],
    rows: Iterable[dict[str, Any]],
    row_cache: RowCache,
    denoisers: Sequence[Denoiser],
    data_dir: Path,
    datasets: Iterable[str],
    goes_on: bool,
) -> None:
    """Write a long table, and say what it holds."""
    from normeq.suite.measuring.row_cache import RowCache, write_measurements
    from normeq.system.files import begun

    try:
        lines = write_measurements(
            out, list(columns), rows, row_cache, denoisers, data_dir, datasets, goes_on
        )
    except BaseException:
        if goes_on and len(RowCache(begun(out))):
            typer.echo(f"{out}: stopped; what is measured is kept, and the same command goes on from it")
        raise
    for line in lines:
        typer.echo(line)


def _save_arrays(out: Path, arrays: Mapping[str, Any], denoiser: Denoiser) -> None:
    """Write pictures (.npz), whole or not at all."""
    import numpy as np

    from normeq.system.files import atomic_path

    with atomic_path(out) as temporary, open(temporary, "wb") as handle:
        np.savez_compressed(handle, **arrays)
    if denoiser.world:
        denoiser.world.record(out)
    typer.echo(str(out))


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
        typer.Option(help="A floating-point precision; repeat.  [default: all that the device has]"),
    ] = None,
    scale: Annotated[list[float] | None, typer.Option(help="λ; repeat for more.")] = None,
    shift: Annotated[list[float] | None, typer.Option(help="μ; repeat for more.")] = None,
    size: Annotated[
        int, typer.Option(min=0, help="Side of the square used, from the middle; 0 for the whole image.")
    ] = 128,
    published_datasets: Annotated[
        list[str] | None,
        typer.Option(
            help="Data set over which the published metric is a mean, in float32; repeat for more."
            "  [default: the images and the noise level above, at every precision]"
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
    """Is f(λy + μ) = λf(y) + μ? `evaluate certificate` of several denoisers and images, in one long table."""
    from normeq.denoisers.open import OTHER
    from normeq.imaging.names import split_image
    from normeq.suite.formats.table import table_files
    from normeq.suite.measuring.options import read_settings
    from normeq.suite.measuring.registry import all_measurements
    from normeq.suite.measuring.row_cache import open_row_cache
    from normeq.system.files import refuse_inputs

    if table_dir is not None and (table_dir / "certificate.csv").resolve() == out.resolve():
        raise NormeqError(f"--table-dir {table_dir}: the table would overwrite {out}; choose another folder")
    if table_dir is not None:
        tables = [file for path in reuse or [] for file in (path.glob("*.csv") if path.is_dir() else [path])]
        refuse_inputs(table_files("certificate", table_dir), tables)
    kind = all_measurements()["certificate"]
    images = image or ["skimage-test/camera"]
    if published_sigmas and not published_datasets:
        raise NormeqError("--published-sigmas: name the images too, with --published-datasets")
    given = {"image": images[0], "sigma": sigma, "size": size, "also_cpu": also_cpu, "dtypes": dtype or []}
    given |= {name: value for name, value in (("scales", scale), ("shifts", shift)) if value}
    if published_datasets:
        given["published"] = {"datasets": published_datasets, "sigmas": published_sigmas or [sigma]}
    settings = read_settings(kind, given, "certify")
    for option, values in (("--image", images), ("denoiser", denoisers)):
        for value in values:
            if values.count(value) > 1:
                raise NormeqError(f"{option} {value} is named twice")
    row_cache = open_row_cache(reuse or [], out, kind.columns)
    opened = [open_on(text, device, threads) for text in denoisers]
    for number, (one, _) in enumerate(opened):
        if (one.labels, one.weights) in [(other.labels, other.weights) for other, _ in opened[:number]]:
            raise NormeqError(f"denoiser {denoisers[number]} is named twice")
        if one.labels in [other.labels for other, _ in opened[:number]]:
            name = ", ".join(str(value) for value in one.labels.values() if value not in ("", None))
            own = "give it a name of its own" if one.variant == OTHER else "certify it by itself"
            raise NormeqError(f"two denoisers are called {name}, the second is {denoisers[number]}: {own}")
    rows = (
        row
        for one, where in opened
        for row in kind.evaluate(
            one, settings, image=images, data_dir=data_dir, device=where, row_cache=row_cache
        )
    )
    datasets = [*settings.datasets_read(), *(split_image(one)[0] for one in images)]
    _write_table(out, kind.columns, rows, row_cache, [one for one, _ in opened], data_dir, datasets, True)
    if table_dir is not None:
        from normeq.suite.formats.table import write_table
        from normeq.suite.tables import certificate

        for path in write_table(certificate.make(out), table_dir):
            typer.echo(str(path))


def collect_command(
    out: Annotated[Path, typer.Argument(help="Table to write.", callback=ends_in(".csv", "a table"))],
    parts: Annotated[list[Path], typer.Argument(help="Tables to put together.")],
    record: Annotated[
        Path | None,
        typer.Option(
            help="Record of what OUT was made from, to write. Tables that are not there are taken from the"
            " OUT of before, where its record says that it holds them."
        ),
    ] = None,
    key: Annotated[str, typer.Option(help="Text for the record.")] = "",
) -> None:
    """Put tables of several denoisers together, sorted; refuses double measurements."""
    from normeq.suite.measuring.rows import collect

    typer.echo(f"{out}: {collect(parts, out, record, key)} measurements")


def metrics_command(
    noise_levels: Annotated[Path, typer.Argument(help="results/NAME/noise_levels.csv")],
    out: Annotated[Path, typer.Option(help="JSON to write.", callback=ends_in(".json", "JSON"))],
    intervals: Annotated[Path | None, typer.Argument(help="results/NAME/intervals.csv")] = None,
) -> None:
    """The summary that `dvc metrics diff` compares: mean PSNR, and the cost of the worst interval."""
    from normeq.suite.analysis.headline import summarise_experiment
    from normeq.system.files import refuse_inputs, write_json

    refuse_inputs([out], [noise_levels, intervals])
    write_json(out, summarise_experiment(noise_levels, intervals))
    typer.echo(str(out))
