"""What happens when things break: killed commands, damaged files, bad configs, full disks. Counted.

    python benchmarks/faults.py            # half an hour, into benchmarks/results/faults-counts.csv
    python benchmarks/faults.py --quick    # a little of everything, under a minute; writes only with --out
    python benchmarks/faults.py --table    # the recorded counts as docs/reliability.md has them

Each trial breaks something in a small project of its own, lets the command say what it says, puts right what
a user would put right, and runs the same command again. Then what is there is compared, byte by byte where no
time stands in it, with what the command makes when nothing breaks.

Commands run in processes forked from this one, which has imported everything: starting Python takes seconds
in which nothing is written, and most kills would fall there. Snakemake runs as it does for a user.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import json
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib.pyplot  # noqa: F401
import numpy as np
import skimage.io  # noqa: F401
import yaml
from faults_configs import SNAKEMAKE, configs, read_as_the_workflow
from machine import RESULTS, write_csv
from PIL import Image

import normeq.cli as cli
import normeq.suite.report.page  # noqa: F401
import normeq.suite.training.start  # noqa: F401
import normeq.training.loop as loop
from normeq.suite.figures.registry import figures

# Imported now, for all that are forked.
from normeq.suite.measuring.registry import all_measurements
from normeq.suite.tables.registry import tables
from normeq.system import console

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = "group,what,trials,lost,silent,tracebacks,half_files,refused,recovery_s,recovery_max_s".split(",")
SEED = 0
THEIRS = "random config, Snakemake's own reading"  # of which it shows tracebacks
RUN = "results/runs/tiny"
SPEC = {
    "network": {"name": "tiny", "architecture": "fdncnn", "depth": 3, "channels": 4},
    "variant": "norm",
    "dataset": "mine",
    "sigma": 25,
    "seed": 0,
    "recipe": {"steps": 60, "batch": 2, "patch": 16, "lr": 0.001, "holdout": 1},
}
CONFIG = {
    "experiment": "x",
    "networks": [SPEC["network"]],
    "variants": ["norm"],
    "train": {"dataset": "mine", "sigmas": [25], "recipe": SPEC["recipe"]},
    "evaluate": {"noise_levels": {"datasets": ["mine"], "sigmas": [25, 50]}},
    "device": "cpu",
}
OWN_SET = {"title": "x", "kind": "manual", "files": None, "origin": "x", "terms": "x", "redistribution": "x"}
PART, OTHER = f"{RUN}/parts/noise_levels-0000000a.csv", f"{RUN}/parts/noise_levels-0000000b.csv"
LONG, RECORD = "results/x/noise_levels.csv", "results/x/.made/noise_levels"
MEASURE = ("evaluate", "noise-levels", RUN, "--datasets", "mine", "--threads", "1", "--device", "cpu")


@dataclass(frozen=True)
class Command:
    """A command of ``normeq`` and the files that it makes."""

    name: str
    words: tuple[str, ...]
    makes: tuple[str, ...]


SIGMAS = ("--sigmas", "25", "--sigmas", "50")
MADE_BY_TRAIN = tuple(f"{RUN}/{name}" for name in ("model.safetensors", "run.json", "train.jsonl"))
TABLE = tuple(f"results/x/tables/generalisation.{suffix}" for suffix in ("csv", "md", "tex"))
FIGURE = tuple(f"figures/x/noise_levels.{suffix}" for suffix in ("svg", "png", "csv"))
CURVE, CARD = ("figures/x/training.csv",), f"{RUN}/x.md"
COMMANDS = {
    command.name: command
    for command in (
        Command("train", ("train", json.dumps(SPEC), "--out", RUN, "--device", "cpu"), MADE_BY_TRAIN),
        Command("evaluate", (*MEASURE, *SIGMAS, "--out", PART), (PART,)),
        Command("evaluate again", (*MEASURE, *SIGMAS, "--reuse", f"{RUN}/parts", "--out", OTHER), (OTHER,)),
        Command(
            "certify",
            ("certify", RUN, "--out", "results/x/certificate.csv", "--image", "mine/a", "--size", "24",
             "--dtype", "float32", "--table-dir", "results/x/tables", "--device", "cpu"),
            ("results/x/certificate.csv", "results/x/tables/certificate.md"),
        ),
        Command("collect", ("collect", LONG, PART, "--record", RECORD, "--key", "k"), (LONG, RECORD)),
        Command("table", ("table", "generalisation", LONG, "--out-dir", "results/x/tables"), TABLE),
        Command("figure", ("figure", "noise-levels", LONG, "--out", "figures/x/noise_levels"), FIGURE),
        Command(
            "report",
            ("report", "results/x/report.html", "--config", "results/x/config.yaml", "--table", TABLE[1],
             "--figure", FIGURE[0], "--run", RUN, "--noise-levels", LONG),
            ("results/x/report.html",),
        ),
        Command("curve", ("figure", "training", RUN, "--out", "figures/x/training"), CURVE),
        Command(
            "run card",
            ("run-card", RUN, "--noise-levels", LONG, "--config", "results/x/config.yaml", "--out", CARD),
            (CARD,),
        ),
        Command("data get", ("data", "get", "skimage-test"), ("data/skimage-test/camera.png",)),
    )
}  # fmt: skip
ORDER = ("train", "evaluate", "collect", "table", "figure", "certify", "report")


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


# --- commands in processes of their own


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


# --- the small project


class Yard:
    """A project in which everything has been made once, and what was made."""

    def __init__(self, folder: Path) -> None:
        self.base, self.trials = folder / "base", folder / "trials"
        self.trials.mkdir(parents=True)
        data = self.base / "data"
        data.mkdir(parents=True)
        for name in ("datasets.yaml", "files.csv", "set12.dvc", "bsd68.dvc", "bsd431.dvc"):
            shutil.copy(ROOT / "data" / name, data)
        shutil.copytree(ROOT / "data/published", data / "published")
        with open(data / "datasets.yaml", "a", encoding="utf-8") as registry:
            registry.write("\n" + yaml.safe_dump({"mine": OWN_SET | {"place": "x"}}))
        (data / "mine").mkdir()
        for number, name in enumerate("abc"):
            pixels = np.random.default_rng(number).integers(40, 220, (48, 48), dtype=np.uint8)
            Image.fromarray(pixels).save(data / "mine" / f"{name}.png")
        (self.base / "results/x").mkdir(parents=True)
        (self.base / "results/x/config.yaml").write_text(yaml.safe_dump(CONFIG))
        self.seconds: dict[str, float] = {}
        for name in ("data get", *ORDER, "evaluate again", "curve", "run card"):
            done = run(COMMANDS[name], self.base)
            if done.status:
                sys.exit(f"faults: {name}: {done.said}")
            self.seconds[name] = done.seconds
        self.made = {
            name: self.content(self.base, command)
            for name, command in COMMANDS.items()
            if name in self.seconds
        }
        self.count = 0

    def content(self, folder: Path, command: Command) -> dict[str, Any]:
        return {name: comparable(folder / name) for name in command.makes}

    @contextmanager
    def fresh(self, without: str | None = None) -> Iterator[Path]:
        """A copy of the project, without what a command makes."""
        self.count += 1
        folder = self.trials / f"{os.getpid()}-{self.count}"
        shutil.copytree(self.base, folder, symlinks=True)
        if without == "train":
            shutil.rmtree(folder / RUN)
        elif without == "data get":
            shutil.rmtree(folder / "data/skimage-test")
        elif without:
            for name in COMMANDS[without].makes:
                (folder / name).unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def whole(self, name: str, folder: Path) -> bool:
        """Whether what a command makes is as when nothing breaks."""
        return self.content(folder, COMMANDS[name]) == self.made[name]

    def half(self, name: str, folder: Path) -> int:
        """How many files under their final names are none that the command makes."""
        found = self.content(folder, COMMANDS[name])
        half = {n for n, content in found.items() if content not in (None, self.made[name][n])}
        return len(half - {f"{RUN}/train.jsonl"})  # a log grows line by line


def comparable(path: Path) -> Any:
    """The content of a file without times; None where it is not there."""
    try:
        content = path.read_bytes()
        if path.name == "run.json":
            return {k: v for k, v in json.loads(content).items() if k not in ("seconds", "finished")}
        if path.suffix == ".jsonl":
            lines = [json.loads(line) for line in content.splitlines()]
            return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]
        if path.name == "report.html":
            return b"\n".join(line for line in content.splitlines() if b"minutes" not in line)
        return content
    except FileNotFoundError:
        return None
    except ValueError:
        return b"torn"


def hidden(folder: Path) -> list[str]:
    """What killed commands left under hidden names; seals and marks of Snakemake are none."""
    found = [
        path
        for path in folder.rglob(".*")
        if path.is_file() and not path.name.endswith(".sha256") and ".snakemake" not in path.parts
    ]
    found += [path for path in folder.rglob(".*.partial")]
    return [str(path.relative_to(folder)) for path in found if ".made" not in path.parts]


def recover(yard: Yard, trial: Trial, name: str, folder: Path) -> Trial:
    """Run the same command again and see whether anything is lost."""
    again = run(COMMANDS[name], folder)
    trial.seconds = again.seconds
    trial.traceback |= again.traceback
    trial.lost |= again.status != 0 or not yard.whole(name, folder)
    left = hidden(folder)
    trial.half += len(left)
    if trial.lost or left or again.traceback:
        trial.note += f" again: {again.status} {again.said[-300:]} left: {left}"
    return trial


# --- what breaks


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
        trial = Trial("SIGTERM, 50 in a row", name)
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


# What is damaged -> file, command that reads it, and what else is put away before. The same command, with
# what it says put right (the file is put back), must then give the same.
DAMAGED = {
    "image": ("data/skimage-test/camera.png", "pinned", ()),
    "image of a training": ("data/skimage-train/rocket.jpg", "train on pinned", ()),
    "pin": ("data/set12.dvc", "plan", ()),
    "registry": ("data/datasets.yaml", "evaluate", (PART,)),
    "list of files": ("data/files.csv", "evaluate", (PART,)),
    "weights": (f"{RUN}/model.safetensors", "evaluate", (PART,)),
    "checkpoint": (f"{RUN}/checkpoint.pt", "train", (f"{RUN}/run.json", f"{RUN}/model.safetensors")),
    "run.json, training": (f"{RUN}/run.json", "train", ()),
    "run.json, report": (f"{RUN}/run.json", "report", ("results/x/report.html",)),
    "run.json, run card": (f"{RUN}/run.json", "run card", (f"{RUN}/x.md",)),
    "run.json, curve": (f"{RUN}/run.json", "curve", ("figures/x/training.csv",)),
    "log of a training": (f"{RUN}/train.jsonl", "curve", ("figures/x/training.csv",)),
    "part, collected": (PART, "collect", (LONG,)),
    "part, taken over": (PART, "evaluate again", (OTHER,)),
    "collected table": (LONG, "table", TABLE),
    "table": (TABLE[1], "report", ("results/x/report.html",)),
}
TOLD = ("edited", "damaged", "warning", "error", "made before, 0", "0 of them made before", "left out")
PINNED = Command(
    "pinned",
    ("evaluate", "noise-levels", RUN, "--datasets", "skimage-test", "--images", "1", "--sigmas", "25",
     "--threads", "1", "--device", "cpu", "--out", "results/x/pinned.csv"),
    ("results/x/pinned.csv",),
)  # fmt: skip
TRAIN_PINNED = Command(
    "train on pinned",
    (
        "train",
        json.dumps(SPEC | {"dataset": "skimage-train"}),
        "--out",
        "results/runs/pinned",
        "--device",
        "cpu",
    ),
    ("results/runs/pinned/model.safetensors",),
)
# The names of all that a config on Set12 would make; "campaign" plans as Snakemake does.
PLAN = Command("plan", ("campaign", "set12.yaml", "--minutes", "0.01", "--no-measure"), ())

COMMANDS |= {command.name: command for command in (PINNED, TRAIN_PINNED, PLAN)}


def damages(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """One flipped byte, a truncation, or nothing left, in each kind of file."""
    kinds = list(DAMAGED)
    for number in range(count):
        what = kinds[number % len(kinds)]
        file, name, away = DAMAGED[what]
        how = ("flipped", "flipped", "flipped", "truncated", "empty")[number // len(kinds) % 5]
        with yard.fresh() as folder:
            for other in away:
                (folder / other).unlink(missing_ok=True)
            good = (folder / file).read_bytes()
            times = os.stat(folder / file)
            (folder / file).write_bytes(damage(good, how, rng))
            os.utime(folder / file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a disk does it
            done = run(COMMANDS[name], folder)
            told = any(word in done.said for word in TOLD)
            trial = Trial(f"a byte {how}" if how == "flipped" else how, what, traceback=done.traceback)
            trial.refused = done.status != 0
            same = yard.whole(name, folder)
            trial.silent = not same and not told and done.status == 0
            if trial.silent or trial.traceback:
                trial.note = f"{what} {how}: {done.status} {done.said[-600:]}"
            (folder / file).write_bytes(good)
            for other in () if same else (*away, *COMMANDS[name].makes):
                if other != file and not other.endswith(".jsonl"):  # a training does not write it twice
                    (folder / other).unlink(missing_ok=True)
            yield trial if same else recover(yard, trial, name, folder)


def prepare_pinned(yard: Yard) -> None:
    """What pinned images give, and a config on a pinned set."""
    shutil.rmtree(yard.base / "data/skimage-train", ignore_errors=True)
    for command in (Command("", ("data", "get", "skimage-train"), ()), PINNED, TRAIN_PINNED):
        done = run(command, yard.base)
        if done.status:
            sys.exit(f"faults: {command.name}: {done.said}")
        if command.name:
            yard.made[command.name] = yard.content(yard.base, command)
    shutil.rmtree(yard.base / "results/runs/pinned")
    (yard.base / "results/x/pinned.csv").unlink()
    config = CONFIG | {"train": CONFIG["train"] | {"dataset": "set12"}}
    (yard.base / "set12.yaml").write_text(yaml.safe_dump(config))
    yard.made["plan"] = {}


def damage(content: bytes, how: str, rng: random.Random) -> bytes:
    """One byte changed, the end cut off, or nothing."""
    if how == "empty":
        return b""
    place = rng.randrange(len(content))
    if how == "truncated":
        return content[:place]
    return content[:place] + bytes([content[place] ^ rng.randrange(1, 256)]) + content[place + 1 :]


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
            trial.half = yard.half(name, folder) + len(hidden(folder))
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
                trial.half = yard.half(name, folder) + len(hidden(folder))
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


def clocks(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """Every file from 2099, or from 1980, as after a clock was set."""
    for number in range(count):
        name = ORDER[number % len(ORDER)]
        with yard.fresh(name) as folder:
            when = (4_070_908_800, 315_532_800)[number // len(ORDER) % 2]
            for path in folder.rglob("*"):
                os.utime(path, (when, when))
            done = run(COMMANDS[name], folder)
            trial = Trial("clock set", name, traceback=done.traceback, refused=done.status != 0)
            trial.silent = done.status == 0 and not yard.whole(name, folder)
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


def folders(yard: Yard, rng: random.Random, quick: bool) -> Iterator[Trial]:
    """A loop of links in a data folder, and very many files."""
    name = "evaluate"
    for what in ("link to its own folder", "link to itself", "image that is a link to itself"):
        with yard.fresh(name) as folder:
            mine = folder / "data/mine"
            if what == "link to its own folder":
                (mine / "loop").symlink_to(".", target_is_directory=True)
            else:
                link = mine / ("loop" if what == "link to itself" else "z.png")
                link.symlink_to(link.name)
            done = run(COMMANDS[name], folder)
            trial = Trial("loop of links", what, traceback=done.traceback, refused=done.status != 0)
            trial.silent = done.status == 0 and not yard.whole(name, folder)
            for link in mine.iterdir():
                if link.is_symlink():
                    link.unlink()
            if trial.silent:  # more images were found, which the log counts
                trial.note = done.said[-400:]
                (folder / PART).unlink()
            yield recover(yard, trial, name, folder)
    with yard.fresh(name) as folder:
        mine = folder / "data/mine"
        content = (mine / "a.png").read_bytes()
        for number in range(200 if quick else 10_000):
            (mine / f"z{number:05d}.png").write_bytes(content)
        done = run(Command(name, (*COMMANDS[name].words, "--images", "3"), (PART,)), folder)
        trial = Trial("10,000 files in a data folder", name, traceback=done.traceback)
        trial.seconds, trial.lost = done.seconds, done.status != 0 or not yard.whole(name, folder)
        trial.note = done.said[-300:] if trial.lost else ""
        yield trial


def bad_configs(yard: Yard, rng: random.Random, count: int, sample: int) -> Iterator[Trial]:
    """Random configs, read by the functions of the workflow; some of them by ``snakemake -n`` itself."""
    texts = configs(count, CONFIG)
    with yard.fresh() as folder:
        for number, text in enumerate(texts):
            file = folder / "random.yaml"
            file.write_bytes(text)
            said = folder / "said.txt"
            said.unlink(missing_ok=True)
            began = time.monotonic()
            status, words = read_as_the_workflow(file, folder, said)
            trial = Trial("random config", "the workflow's functions", refused=status == 2)
            if status == SNAKEMAKE:
                trial.group, trial.what = THEIRS, "files that are no text, days that are none"
            trial.traceback = status not in (0, 2)
            trial.seconds = time.monotonic() - began
            if trial.traceback and status != SNAKEMAKE:
                kept = Path(tempfile.gettempdir()) / f"faults-config-{number}.yaml"
                kept.write_bytes(text)
                trial.note = f"{kept}: {words[-700:]}"
            yield trial
        workflow(folder)
        for number in range(sample):
            (folder / "random.yaml").write_bytes(texts[number * len(texts) // max(sample, 1)])
            began = time.monotonic()
            done = snakemake(folder, "-n", config="random.yaml")
            trial = Trial("random config", "snakemake -n", refused=done.returncode != 0)
            trial.traceback = "Traceback (most recent" in done.stdout + done.stderr
            trial.seconds = time.monotonic() - began
            trial.note = (done.stdout + done.stderr)[-700:] if trial.traceback else ""
            yield trial


def workflow(folder: Path) -> None:
    """Put the workflow into a project."""
    for name in ("workflow", "profiles"):
        if not (folder / name).exists():
            shutil.copytree(ROOT / name, folder / name, symlinks=True)
    for name in ("Snakefile", "environment.yml", "environment.post-deploy.sh"):
        shutil.copy(ROOT / name, folder)


def snakemake(folder: Path, *words: str, config: str = "x.yaml") -> subprocess.CompletedProcess:
    """Run Snakemake there to its end."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *words, "--configfile", config]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, errors="replace", check=False
    )


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def workflows(yard: Yard, rng: random.Random, count: int) -> Iterator[Trial]:
    """kill -9 of Snakemake and all its jobs; then --unlock, as it asks for, and the same command."""
    targets = ("table_generalisation", "figure_noise_levels")
    if not count:
        return
    base = yard.trials / "workflow"
    shutil.copytree(yard.base, base, ignore=shutil.ignore_patterns("results", "figures"))
    workflow(base)
    (base / "x.yaml").write_text(yaml.safe_dump(CONFIG))
    whole = yard.trials / "whole"
    shutil.copytree(base, whole, symlinks=True)
    began = time.monotonic()
    done = snakemake(whole, *targets)
    if done.returncode:
        sys.exit(f"faults: snakemake: {done.stderr[-2000:]}")
    seconds = time.monotonic() - began
    made = results_of(whole)
    for _ in range(count):
        folder = yard.trials / "killed"
        shutil.copytree(base, folder, symlinks=True)
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *targets, "--configfile", "x.yaml"]
        with open(folder / "said.txt", "w") as said:
            process = subprocess.Popen(
                command, cwd=folder, env=environment(), stdout=said, stderr=said, start_new_session=True
            )
            time.sleep(rng.random() * seconds)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        began = time.monotonic()
        unlocked = snakemake(folder, "--unlock")
        done = snakemake(folder, *targets)
        trial = Trial("kill -9", "snakemake", seconds=time.monotonic() - began)
        trial.traceback = "Traceback (most recent" in done.stdout + done.stderr + unlocked.stderr
        trial.lost = done.returncode != 0 or results_of(folder) != made
        trial.half = len(hidden(folder / "results")) + len(hidden(folder / "figures"))
        if trial.lost or trial.half or trial.traceback:
            trial.note = f"{done.stderr[-600:]} {hidden(folder)}"
        yield trial
        shutil.rmtree(folder)


def results_of(folder: Path) -> dict[str, Any]:
    """What a workflow made, without what holds times."""
    skipped = {".tsv", ".sha256", ".pt"}
    return {
        str(path.relative_to(folder)): comparable(path)
        for top in ("results", "figures")
        for path in sorted((folder / top).rglob("*"))
        if path.is_file() and path.suffix not in skipped and path.name != ".training.lock"
    }


# --- counting


@dataclass
class Counted:
    """The trials of one kind."""

    trials: list[Trial] = field(default_factory=list)

    def row(self, group: str, what: str) -> dict[str, Any]:
        seconds = [trial.seconds for trial in self.trials if trial.seconds]
        return {
            "group": group,
            "what": what,
            "trials": len(self.trials),
            "lost": sum(trial.lost for trial in self.trials),
            "silent": sum(trial.silent for trial in self.trials),
            "tracebacks": sum(trial.traceback for trial in self.trials),
            "half_files": sum(trial.half for trial in self.trials),
            "refused": sum(trial.refused for trial in self.trials),
            "recovery_s": f"{statistics.median(seconds):.2f}" if seconds else "",
            "recovery_max_s": f"{max(seconds):.2f}" if seconds else "",
        }


GROUPS = "kill snakemake term damage configs size mounts memory clock pair folder".split()


def all_trials(yard: Yard, quick: bool, only: Sequence[str]) -> Iterator[Trial]:
    """Everything, in order; each group has a generator of random numbers of its own."""
    groups: dict[str, Callable[[random.Random], Iterator[Trial]]] = {
        "kill": lambda rng: kills(yard, rng, 7 if quick else 50),
        "snakemake": lambda rng: workflows(yard, rng, 0 if quick else 6),
        "term": lambda rng: terms(yard, rng, 2 if quick else 20),
        "damage": lambda rng: damages(yard, rng, 16 if quick else 208),
        "configs": lambda rng: bad_configs(yard, rng, 30 if quick else 1000, 0 if quick else 12),
        "size": lambda rng: file_sizes(yard, rng, 4 if quick else 32),
        "mounts": lambda rng: mounts(yard, rng, 2 if quick else 32),
        "memory": lambda rng: memories(yard, rng, 2 if quick else 28),
        "clock": lambda rng: clocks(yard, rng, 2 if quick else 14),
        "pair": lambda rng: pairs(yard, rng, 2 if quick else 16),
        "folder": lambda rng: folders(yard, rng, quick),
    }
    going = [
        group(random.Random(f"{SEED} {name}"))  # noqa: S311
        for name, group in groups.items()
        if not only or name in only
    ]
    while going:  # in turn, so that where the time is up every group was tried
        for trials in list(going):
            trial = next(trials, None)
            if trial is None:
                going.remove(trials)
            else:
                yield trial


def shared_out(
    yard: Yard, quick: bool, only: Sequence[str], jobs: int, end_of_time: float
) -> Iterator[Trial]:
    """The trials of all groups, by several processes at once; every group belongs to one of them."""
    if jobs == 1:
        for trial in all_trials(yard, quick, only):
            yield trial
            if time.monotonic() > end_of_time:
                return
        return
    names = [name for name in GROUPS if not only or name in only]
    files, pids = [], []
    for job in range(jobs):
        files.append(yard.trials / f"found-{job}.jsonl")
        files[-1].touch()
        pids.append(os.fork())
        if pids[-1] == 0:
            try:
                with open(files[-1], "w", encoding="utf-8") as found:
                    for trial in all_trials(yard, quick, names[job::jobs]) if names[job::jobs] else ():
                        found.write(json.dumps(vars(trial)) + "\n")
                        found.flush()
                        if time.monotonic() > end_of_time:
                            break
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
    for pid in pids:
        end(pid)
    for file in files:
        yield from (Trial(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines())


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """The counts as docs/reliability.md shows them: one line a group."""
    lines = [
        "| what broke | of | trials | lost | silently wrong | tracebacks | half files left | to recover: "
        "median, longest |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for group in dict.fromkeys(row["group"] for row in rows):
        of = [row for row in rows if row["group"] == group]
        total = [str(sum(int(row[c]) for row in of)) for c in COLUMNS[2:7]]
        times = [(float(r["recovery_s"]), float(r["recovery_max_s"])) for r in of if r["recovery_s"]]
        middle = (
            f"{statistics.median(t for t, _ in times):.1f} s, {max(t for _, t in times):.1f} s"
            if times
            else "–"
        )
        what = ", ".join(dict.fromkeys(row["what"] for row in of))
        lines.append(f"| {group} | {what} | {' | '.join(total)} | {middle} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="What is lost, wrong or left when things break.")
    parser.add_argument("--quick", action="store_true", help="a little of everything")
    parser.add_argument("--only", nargs="*", default=[], help="groups: kill, damage, configs, …")
    parser.add_argument("--jobs", type=int, default=1, help="groups at a time")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this time, with fewer trials")
    parser.add_argument("--out", type=Path, help="CSV to write")
    parser.add_argument("--table", action="store_true", help="print the recorded counts as Markdown")
    options = parser.parse_args()
    recorded = RESULTS / "faults-counts.csv"
    if options.table:
        with open(options.out or recorded, newline="", encoding="utf-8") as handle:
            print(markdown(list(csv.DictReader(handle))), end="")
        return 0
    for registered in (all_measurements(), figures(), tables()):  # in all that are forked
        list(registered)
    counted: dict[tuple[str, str], Counted] = {}
    with tempfile.TemporaryDirectory(prefix="normeq-faults-") as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        os.environ["GIT_DIR"] = os.devnull  # a commit meanwhile would be another revision in results
        yard = Yard(Path(folder))
        if not options.only or "damage" in options.only:
            prepare_pinned(yard)
        end_of_time = time.monotonic() + 60 * options.minutes
        for trial in shared_out(yard, options.quick, options.only, options.jobs, end_of_time):
            counted.setdefault((trial.group, trial.what), Counted()).trials.append(trial)
            if trial.note.strip():
                print(f"{trial.group}, {trial.what}: {trial.note.strip()}", flush=True)
    rows = [of.row(group, what) for (group, what), of in counted.items()]
    target = options.out or (None if options.quick or options.only else recorded)
    if target:
        write_csv(target, COLUMNS, rows)
    for row in rows:
        print(*(f"{key} {row[key]}" for key in COLUMNS), flush=True)
    ours = [row for row in rows if row["group"] != THEIRS]
    faults = sum(row[key] for row in ours for key in ("lost", "silent", "tracebacks", "half_files"))
    print(f"{sum(row['trials'] for row in rows)} trials, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
