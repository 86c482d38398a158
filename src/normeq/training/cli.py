"""``normeq train``. Heavy imports stand inside the function, so that every other command starts at once."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from normeq.errors import NormeqError

if TYPE_CHECKING:
    from normeq.training.spec import RunSpec

LINE_SECONDS = 10.0  # between progress lines where there is no terminal


def read_spec(text: str) -> RunSpec:
    """Read a run from inline JSON, or from a YAML or JSON file (a ``run.json`` serves as well).

    Raises:
        NormeqError: no such file, not YAML, or a bad run; the cause is named.
    """
    from normeq.training.spec import RunSpec

    source = "inline JSON" if text.lstrip().startswith("{") else text
    try:
        data = yaml.safe_load(text if source != text else Path(text).read_text(encoding="utf-8"))
    except OSError as error:
        raise NormeqError(
            f"{source}: {error.strerror}; SPEC is a YAML or JSON file, or inline JSON"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NormeqError(f"{source}: not YAML or JSON ({str(error).splitlines()[0]})") from None
    if isinstance(data, dict) and "spec" in data:
        data = data["spec"]
    return RunSpec.from_dict(data)


def train_command(
    spec: Annotated[str, typer.Argument(help="A run: YAML or JSON file, or inline JSON.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    data_dir: Annotated[Path, typer.Option(help="Folder of the data sets.")] = Path("data"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves PyTorch's choice.")] = 0,
) -> None:
    """Train one network; a stopped run goes on from its checkpoint."""
    import torch

    from normeq.provenance import pick_device
    from normeq.training.loop import Interrupted, train

    run_spec = read_spec(spec)
    if threads:
        torch.set_num_threads(threads)
    chosen = pick_device(device)
    label = f"{run_spec.network['name']}-{run_spec.variant}"
    try:
        with ProgressReport(label, run_spec.recipe.steps) as report:
            run = train(run_spec, out, data_dir=data_dir, device=chosen, progress=report)
    except Interrupted as stop:
        typer.echo(f"normeq: {out}: {stop}", err=True)
        raise typer.Exit(130) from None
    validation = run["validation_psnr"]
    score = f", held-out PSNR {validation:.2f} dB" if validation is not None else ""
    typer.echo(f"{out}: {run['pixels'] / 1e6:.0f} million pixels in {run['seconds']:.0f} s{score}")


class ProgressReport:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, label: str, steps: int) -> None:
        self.label, self.steps = label, steps
        self.printed = time.monotonic()
        self.bar: Progress | None = None

    def __enter__(self) -> ProgressReport:
        if sys.stderr.isatty():
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns, TextColumn("{task.fields[loss]}"), console=Console(stderr=True))
            self.task = self.bar.add_task(self.label, total=self.steps, loss="")
            self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar:
            self.bar.stop()

    def __call__(self, step: int, record: dict[str, Any]) -> None:
        loss = f"loss {record['loss']:.2e}" if record else ""
        if self.bar:
            self.bar.update(self.task, completed=step, loss=loss)
        elif time.monotonic() - self.printed > LINE_SECONDS or step == self.steps:
            self.printed = time.monotonic()
            sys.stderr.write(json.dumps({"run": self.label, "step": step, "of": self.steps} | record) + "\n")
            sys.stderr.flush()
