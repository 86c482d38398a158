"""What happens when things break: killed commands, damaged files, bad configs, full disks. Counted.

    python benchmarks/faults.py            # 20 minutes, into benchmarks/results/faults-counts.csv
    python benchmarks/faults.py --quick    # a little of everything, two minutes; writes only with --out
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
import json
import os
import random
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib.pyplot  # noqa: F401
import skimage.io  # noqa: F401
from fault_kinds.configs import THEIRS, bad_configs
from fault_kinds.damaged import clocks, damages, folders, prepare_pinned
from fault_kinds.full import file_sizes, memories, mounts
from fault_kinds.killed import kills, pairs, terms
from fault_kinds.processes import Trial, end
from fault_kinds.project import (
    SEED,
    Yard,
)
from fault_kinds.workflow import workflows
from machine import RESULTS, write_csv

import normeq.suite.report.page  # noqa: F401
import normeq.suite.training.start  # noqa: F401
from normeq.suite.figures.registry import figures
from normeq.suite.measuring.registry import all_measurements
from normeq.suite.tables.registry import tables

COLUMNS = "group,what,trials,lost,silent,tracebacks,half_files,refused,recovery_s,recovery_max_s".split(",")


FAULTS = ("lost", "silent", "tracebacks", "half_files")


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
            _dot()
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
                        _dot()
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


def _dot() -> None:
    """A sign of life for each trial."""
    print(".", end="", file=sys.stderr, flush=True)


def line(row: dict[str, Any]) -> str:
    """``kill -9, train: 7 trials; 1 lost; recovered in 1.4 s``."""
    named = {
        "lost": "lost",
        "silent": "silently wrong",
        "tracebacks": "tracebacks",
        "half_files": "half files",
    }
    bad = [f"{row[key]} {words}" for key, words in named.items() if row[key]]
    recovered = [f"recovered in {row['recovery_s']} s"] if row["recovery_s"] else []
    trials = f"{row['trials']} trial{'s' * (row['trials'] != 1)}"
    return f"{row['group']}, {row['what']}: {'; '.join([trials, *(bad or ['no fault']), *recovered])}"


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
        what = "; ".join(dict.fromkeys(row["what"] for row in of))
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
    print(file=sys.stderr)
    for row in rows:
        print(line(row), flush=True)
    faults, theirs = (
        sum(row[key] for row in rows if (row["group"] == THEIRS) == snakemake for key in FAULTS)
        for snakemake in (False, True)
    )
    beside = f", and {theirs} in {THEIRS.partition(', ')[2]}" if theirs else ""
    print(f"{sum(row['trials'] for row in rows)} trials, {faults} faults{beside}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
