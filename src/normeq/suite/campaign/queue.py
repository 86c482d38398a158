"""Jobs in order of priority, several at a time, until they are done or the time is up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.2
STOPPED = 130  # what `normeq train` answers where the same command goes on


@dataclass(frozen=True)
class Job:
    """One command of ``normeq`` in a process of its own.

    Attributes:
        name: for messages and the log.
        words: what follows ``normeq``.
    """

    name: str
    words: tuple[str, ...]


def work_off(
    jobs: Sequence[Job],
    workers: int,
    logs: Path,
    threads: int,
    seconds: Callable[[], float],
    say: Callable[[str], None],
) -> tuple[list[str], list[str], list[str]]:
    """Carry out jobs, at most ``workers`` at a time.

    A job that fails is named at the end, and the others go on. When the time is up, those that run get
    SIGTERM, on which a training writes its checkpoint, and no other is begun.

    Args:
        jobs: in order of priority.
        workers: processes at a time.
        logs: folder for what they print, one file each (appended).
        threads: CPU threads of each.
        seconds: time left; none once the campaign was told to stop.
        say: called with a line whenever a job begins or ends.

    Returns:
        Names of the jobs that are done, that failed, and that are still to be done.
    """
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    logs.mkdir(parents=True, exist_ok=True)
    waiting, running = list(jobs), {}
    done: list[str] = []
    failed: list[str] = []
    left: list[str] = []
    told = False
    try:
        while running or (waiting and not told):
            while waiting and len(running) < workers and seconds() > 0:
                job = waiting.pop(0)
                say(f"{job.name}: begins")
                with open(logs / f"{job.name}.log", "a", encoding="utf-8") as log:
                    running[job] = subprocess.Popen(
                        [sys.executable, "-m", "normeq", *job.words],
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env=environment,
                        start_new_session=True,  # Ctrl-C reaches us alone, and we tell them once
                    )
            if not told and seconds() <= 0:
                told = True
                for process in running.values():
                    process.terminate()
            for job, process in list(running.items()):
                code = process.poll()
                if code is None:
                    continue
                del running[job]
                ended = _ended(code, told)
                (done if code == 0 else left if ended == "stopped" else failed).append(job.name)
                say(f"{job.name}: {ended}")
            time.sleep(POLL_SECONDS)
    finally:  # such as a reader of our lines that has gone: in sessions of their own they would go on
        for process in running.values():
            process.terminate()
    return done, failed, left + [job.name for job in waiting]


def _ended(code: int, told: bool) -> str:
    """In words how a process ended; ``told``: it had been asked to stop, and one that failed all the same
    failed."""
    if code == 0:
        return "done"
    if code == STOPPED or (told and code in (-signal.SIGTERM, 128 + signal.SIGTERM)):
        return "stopped"
    if code == -signal.SIGKILL:
        return "failed (killed, as the system does for want of memory)"
    return f"failed ({code})"
