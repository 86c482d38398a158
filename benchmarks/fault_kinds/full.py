"""Too little room: sizes of files, memory, full disks, read-only folders."""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fault_kinds.processes import Trial, end, run
from fault_kinds.project import (
    COMMANDS,
    ORDER,
    SEED,
    Yard,
    left_by_failure,
    recover,
)


def limited(name: str, amount: int) -> Callable[[], None]:
    """A limit for a process: ``RLIMIT_FSIZE`` in bytes, ``RLIMIT_AS`` beyond what it has."""

    def limit() -> None:
        if name == "RLIMIT_FSIZE":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (amount, amount))
        else:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            has = pages * os.sysconf("SC_PAGE_SIZE") + amount
            resource.setrlimit(resource.RLIMIT_AS, (has, has))

    return limit


def file_sizes(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """No file may grow beyond a size below that of what is written."""
    names = [name for name in (*ORDER, "data get")]
    for number in range(count):
        name = names[number % len(names)]
        with yard.fresh(name) as folder:
            largest = max(os.path.getsize(yard.base / made) for made in COMMANDS[name].makes)
            done = run(COMMANDS[name], folder, limited("RLIMIT_FSIZE", rng.randrange(1, largest)))
            trial = Trial("no space for a file", name, traceback=done.traceback, refused=done.status != 0)
            trial.half = left_by_failure(yard, name, folder)
            trial.silent = done.status == 0 and not yard.whole(name, folder)
            trial.note = done.said[-600:] if trial.traceback or trial.half or trial.silent else ""
            yield recover(yard, trial, name, folder)


def memories(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """Little memory more than the process has when it starts to work."""
    names = ORDER
    for number in range(count):
        name = names[number % len(names)]
        with yard.fresh(name) as folder:
            done = run(COMMANDS[name], folder, limited("RLIMIT_AS", rng.randrange(1 << 16, 1 << 24)))
            trial = Trial("out of memory", name, traceback=done.traceback, refused=done.status != 0)
            trial.half = yard.half(name, folder)
            trial.silent = done.status == 0 and not yard.whole(name, folder)
            trial.note = done.said[-900:] if trial.traceback or trial.half or trial.silent else ""
            yield recover(yard, trial, name, folder)


def in_mounts(function: Callable[[], list[Trial]]) -> list[Trial] | None:
    """Call a function in a process with mounts of its own; None where this is not allowed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        found = None
        try:
            private = ctypes.CDLL(None, use_errno=True).unshare(0x00020000) == 0  # CLONE_NEWNS
            mount = ["mount", "--make-rprivate", "/"]
            if private and subprocess.run(mount, capture_output=True, check=False).returncode == 0:
                found = [vars(trial) for trial in function()]
        except PermissionError:
            pass
        except BaseException:
            traceback.print_exc()
        with os.fdopen(writing, "w") as pipe:
            json.dump(found, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = json.load(pipe)
    end(pid)
    return None if found is None else [Trial(**trial) for trial in found]


def mount(*words: str) -> None:
    if subprocess.run(["mount", *words], capture_output=True, check=False).returncode:
        raise PermissionError("mount")


def mounts(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """A full disk (a small tmpfs), and folders that are read-only."""

    def inside(numbers: Sequence[int]) -> list[Trial]:
        found = []
        for number in numbers:
            rng = random.Random(f"{SEED} mount {number}")  # noqa: S311
            name = (*ORDER, "data get")[number % (len(ORDER) + 1)]
            full = number // (len(ORDER) + 1) % 2 == 0
            with yard.fresh(name) as folder:
                place = folder / (
                    "data" if name == "data get" else "figures" if name == "figure" else "results"
                )
                if full:
                    kept = folder.parent / "kept"
                    shutil.copytree(place, kept)
                    size = 2**21 + sum(4096 + path.stat().st_size for path in kept.rglob("*"))
                    mount("-t", "tmpfs", "-o", f"size={size}", "none", str(place))
                    shutil.copytree(kept, place, dirs_exist_ok=True)
                    shutil.rmtree(kept)
                    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
                    room = rng.randrange(0, 3) * 4096
                    (place / "ballast").write_bytes(bytes(max(0, free - room)))
                else:
                    mount("--bind", str(place), str(place))
                    mount("-o", "remount,bind,ro", str(place))
                done = run(COMMANDS[name], folder)
                group = "full disk" if full else "read-only folder"
                trial = Trial(group, name, traceback=done.traceback, refused=done.status != 0)
                trial.half = left_by_failure(yard, name, folder)
                trial.silent = done.status == 0 and not yard.whole(name, folder)
                trial.note = done.said[-600:] if trial.traceback or trial.half or trial.silent else ""
                if full:
                    (place / "ballast").unlink()
                else:
                    mount("-o", "remount,bind,rw", str(place))
                found.append(recover(yard, trial, name, folder))
                subprocess.run(["umount", str(place)], capture_output=True, check=False)
        return found

    for number in range(count):
        found = in_mounts(lambda number=number: inside([number]))
        if found is None:
            print("faults: a full disk and read-only folders are left out: no mounts here", flush=True)
            return
        yield from found
