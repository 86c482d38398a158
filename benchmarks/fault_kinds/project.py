"""The small project in which things break, and whether it is whole again."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from fault_kinds.processes import Command, Trial, run

ROOT = Path(__file__).resolve().parents[2]
SEED = 0
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


def left_by_failure(yard: Yard, name: str, folder: Path) -> int:
    """Half-written files after a command failed. A measurement keeps its rows under a hidden name, for the
    same command to go on from; :func:`recover` sees whether that removes them."""
    goes_on = name in ("evaluate", "certify")
    return yard.half(name, folder) + (0 if goes_on else len(hidden(folder)))


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
