"""Files that change under the feet of a command: flipped bytes, set clocks, loops of links."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Iterator

import yaml

from fault_kinds.processes import Command, Trial, run
from fault_kinds.project import (
    COMMANDS,
    CONFIG,
    LONG,
    ORDER,
    OTHER,
    PART,
    RUN,
    SPEC,
    TABLE,
    Yard,
    recover,
)

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
