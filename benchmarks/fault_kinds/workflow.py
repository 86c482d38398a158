"""Snakemake, as it runs for a user, killed with all its jobs."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fault_kinds.processes import Trial
from fault_kinds.project import (
    CONFIG,
    ROOT,
    Yard,
    comparable,
    hidden,
)


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
