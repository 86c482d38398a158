"""Commands that are killed, that are told to stop, and two at once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator

from fault_kinds.processes import Trial, end, kill, start
from fault_kinds.project import (
    COMMANDS,
    ORDER,
    Yard,
    recover,
)


def kills(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """kill -9 at a random moment, or as soon as something is being written."""
    names = ("train", "evaluate", "certify", "collect", "figure", "report", "data get")
    for number in range(count):
        name = names[number % len(names)]
        trial = Trial("kill -9", name)
        with yard.fresh(name) as folder:
            before = set(folder.rglob("*"))
            pid = start(COMMANDS[name].words, folder, folder / "said.txt")
            limit = time.monotonic() + rng.random() * yard.seconds[name]
            watch = number // len(names) % 2
            while time.monotonic() < limit:
                if watch and set(folder.rglob("*")) - before - {folder / "said.txt"}:
                    time.sleep(rng.random() * 0.02)
                    break
                time.sleep(0.002)
            kill(pid)
            end(pid)
            trial.half = yard.half(name, folder)
            yield recover(yard, trial, name, folder)


def terms(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """Fifty SIGTERM in a row, from a random moment on."""
    names = ("train", "evaluate", "data get", "collect")
    for number in range(count):
        name = names[number % len(names)]
        trial = Trial("50 SIGTERMs in a row", name)
        with yard.fresh(name) as folder:
            pid = start(COMMANDS[name].words, folder, folder / "said.txt")
            time.sleep(rng.random() * yard.seconds[name])
            for _ in range(50):
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    break
                time.sleep(0.001)
            end(pid)
            trial.traceback = "Traceback" in (folder / "said.txt").read_text(errors="replace")
            trial.half = yard.half(name, folder)
            yield recover(yard, trial, name, folder)


def pairs(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """Two of the same command at once."""
    names = (*ORDER, "data get")
    for number in range(count):
        name = names[number % len(names)]
        with yard.fresh(name) as folder:
            started = []
            for one in "ab":
                started.append(start(COMMANDS[name].words, folder, folder / f"said-{one}.txt"))
                time.sleep(rng.random() * 0.05)
            statuses = [end(pid) for pid in started]
            said = "".join((folder / f"said-{one}.txt").read_text(errors="replace") for one in "ab")
            trial = Trial("two at once", name, traceback="Traceback" in said, refused=any(statuses))
            trial.lost = all(statuses)
            trial.half = yard.half(name, folder)
            trial.note = said[-400:] if trial.traceback or trial.half or trial.lost else ""
            yield recover(yard, trial, name, folder)
