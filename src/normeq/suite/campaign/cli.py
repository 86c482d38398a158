"""``normeq campaign`` and ``normeq measure``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from normeq.errors import NormeqError
from normeq.system.gpus import count_gpus

Configs = Annotated[list[Path], typer.Argument(help="Configs; the networks of the first come first.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the data sets, in place of the config's data.dir.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
LEAST_CORES = 4  # of a process that feeds a GPU


def campaign_command(
    configs: Configs,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Stop after this time; the same command goes on.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes at a time; 0: one, or one per four cores beside a GPU.")
    ] = 0,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Then measure what the configs ask of each.")
    ] = True,
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads of each process; 0: its share.")] = 0,
) -> None:
    """Train what configs name and is not there yet, in their order, into `results/runs`; then measure it.

    Can be stopped at any second: the same command goes on, also on another machine if the folder goes along.
    Needs no workflow engine; `snakemake` finds what is there.
    """
    from normeq.suite.campaign.plan import check_data, measurements, read_config, trainings
    from normeq.suite.campaign.queue import work_off
    from normeq.training.signals import stop_signals

    end = time.monotonic() + 60 * minutes if minutes else float("inf")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    on_gpu = device.startswith("cuda") or (device == "auto" and count_gpus() > 0)
    workers = workers or (max(1, cores // LEAST_CORES) if on_gpu else 1)
    threads = threads or max(1, cores // workers)
    read = [(path, read_config(path, data_dir)) for path in configs]
    check_data([experiment for _, experiment in read], measure)
    logs = Path("logs/campaign")

    def say(line: str) -> None:
        typer.echo(f"{time.strftime('%H:%M:%S')} {line}")

    todo = trainings([experiment for _, experiment in read], device, threads)
    typer.echo(f"{len(todo)} trainings to be done")
    with stop_signals() as stop:  # around both: a stop while networks are trained begins no measurement

        def left() -> float:
            return 0.0 if stop else end - time.monotonic()

        _, failed, waiting = work_off(todo, workers, logs, threads, left, say)
        if measure:  # without time too: what is still to be measured is named
            jobs, _ = measurements(read, device, threads)
            _, bad, more = work_off(jobs, workers, logs, threads, left, say)
            failed, waiting = failed + bad, waiting + more
    if waiting:
        typer.echo(f"Still to be done: {', '.join(waiting)}. The same command goes on.")
    if failed:
        raise NormeqError(f"{', '.join(failed)}: failed; see {logs}")
    if waiting:
        raise typer.Exit(130)


def measure_command(
    config: Annotated[Path, typer.Argument(help="A config.")],
    run: Annotated[str, typer.Argument(help="One of its runs, as its folder in results/runs is called.")],
    data_dir: DataDir = None,
    device: Device = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves PyTorch's choice.")] = 0,
) -> None:
    """Make the measurements that a config asks of one run and that are not there yet.

    Rows of other tables in its folder `parts` are taken over where they hold.
    """
    from normeq.suite.campaign.plan import missing_parts, read_config
    from normeq.suite.commands.evaluate import measure

    experiment = read_config(config, data_dir)
    if run not in experiment.runs:
        raise NormeqError(f"{run} is no run of {config}; it has {', '.join(experiment.runs)}")
    failed = []
    for kind, part in missing_parts(experiment, run).items():
        beside = Path(part).parent
        reuse = experiment.measurements[kind].reuses_rows and beside.is_dir()
        try:
            measure(
                experiment.measurements[kind],
                f"results/runs/{run}",
                experiment.settings(kind),
                out=Path(part),
                protocol=experiment.protocol,
                reuse=[beside] if reuse else None,
                data_dir=Path(experiment.data_dir),
                device=device,
                threads=threads,
            )
        except NormeqError as error:  # the others can be made nevertheless
            failed.append(f"{kind}: {error}")
    if failed:
        raise NormeqError(f"{run}: {'; '.join(failed)}")
