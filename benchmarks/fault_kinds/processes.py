"""Commands in processes of their own: started, killed, and what they said."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import normeq.cli as cli
import normeq.training.loop as loop
from normeq.system import console


@dataclass(frozen=True)
class Command:
    """A command of ``normeq`` and the files that it makes."""

    name: str
    words: tuple[str, ...]
    makes: tuple[str, ...]


@dataclass
class Ended:
    """How a command ended, and what it said."""

    status: int
    said: str
    seconds: float

    @property
    def traceback(self) -> bool:
        return "Traceback (most recent call last)" in self.said


@dataclass
class Trial:
    """What one trial showed."""

    group: str
    what: str
    lost: bool = False
    silent: bool = False
    traceback: bool = False
    half: int = 0
    refused: bool = False
    seconds: float = 0.0
    note: str = ""


def start(words: Sequence[str], folder: Path, said: Path, limit: Callable[[], None] | None = None) -> int:
    """Start a command in a forked process that leads a group; its number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        os.chdir(folder)
        out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        loop.CHECKPOINT_SECONDS = 0.2  # else a training of a second has one checkpoint, at its end
        if limit:
            limit()
        sys.argv = ["normeq", *words]
        status = console.run(cli.command)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status & 0xFF)


def kill(pid: int) -> None:
    """kill -9 of a process and of those that it started, also where it leads no group yet or has ended."""
    for send in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            send(pid, signal.SIGKILL)


def end(pid: int) -> int:
    """Wait for a process; its exit status, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(command: Command, folder: Path, limit: Callable[[], None] | None = None, wait: float = 120) -> Ended:
    """Run a command to its end; one that takes longer than ``wait`` seconds is killed."""
    said, began = folder / "said.txt", time.monotonic()
    said.unlink(missing_ok=True)
    pid = start(command.words, folder, said, limit)
    old = signal.signal(signal.SIGALRM, lambda *_: kill(pid))
    signal.setitimer(signal.ITIMER_REAL, wait)
    try:
        status = end(pid)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    text = said.read_text(encoding="utf-8", errors="replace") if said.exists() else ""
    return Ended(status, text, time.monotonic() - began)
