"""``normeq train``. Heavy imports stand inside the function, so that every other command starts at once."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10.0  # between progress lines where there is no terminal


def train_command(
    spec: Annotated[str, typer.Argument(help="A run: YAML or JSON file, or inline JSON.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    data_dir: Annotated[Path, typer.Option(help="Folder of the data sets.")] = Path("data"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves PyTorch's choice.")] = 0,
    max_minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Fit the whole schedule into this wall time.")
    ] = None,
    compile_mode: Annotated[
        str, typer.Option("--compile", help="auto (on a GPU), off, default, reduce-overhead or max-autotune.")
    ] = "auto",
) -> None:
    """Train one network; a stopped run goes on from its checkpoint."""
    from normeq.suite.training.run_file import read_spec
    from normeq.suite.training.start import start

    run_spec = read_spec(spec)
    with ProgressReport(f"{run_spec.network['name']}-{run_spec.variant}") as report:
        code = start(run_spec, out, data_dir, device, threads, max_minutes, compile_mode, report)
    raise typer.Exit(code)


class ProgressReport:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.printed = time.monotonic()
        self.bar: Progress | None = None

    def __enter__(self) -> ProgressReport:
        if sys.stderr.isatty() and not int(os.environ.get("RANK", 0)):  # of a group, the first draws
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns, TextColumn("{task.fields[loss]}"), console=Console(stderr=True))
            self.task = self.bar.add_task(self.label, total=1.0, loss="")
            self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar:
            self.bar.stop()

    def __call__(self, step: int, done: float, record: dict[str, Any]) -> None:
        loss = f"step {step}, loss {record['loss']:.2e}" if record else f"step {step}"
        if self.bar:
            self.bar.update(self.task, completed=done, loss=loss)
        elif time.monotonic() - self.printed > LINE_SECONDS or done >= 1:
            self.printed = time.monotonic()
            line = {"run": self.label, "step": step, "done": round(done, 4)} | record
            sys.stderr.write(json.dumps(line) + "\n")
            sys.stderr.flush()
