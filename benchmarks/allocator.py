"""What is it worth, on a CPU, that a process keeps the memory which PyTorch frees?

    python benchmarks/allocator.py            # into benchmarks/results/<hardware>-allocator.csv

Each round runs one process that keeps freed memory (normeq.system.allocator) and one that does not, one
after the other, on one thread; what counts is their CPU time, which other programs hardly disturb.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from machine import RESULTS, label, status_mb, write_csv
from speed import MODES, NETWORKS, Subject

from normeq.nn import VARIANTS
from normeq.system.allocator import keep_freed_memory
from normeq.system.provenance import git_revision

COLUMNS = (
    "network,variant,device,dtype,workload,mode,cpu_seconds,cpu_seconds_kept,speedup,speedup_low,speedup_high,"
    "page_faults,page_faults_kept,memory_mb,memory_mb_kept,rounds,torch,revision"
).split(",")
WORKLOADS = {"infer": "1x1x321x481", "train": "8x1x48x48"}


def child(network: str, variant: str, dtype: str, mode: str, keep: bool, repeats: int) -> None:
    """Print CPU seconds and page faults of one call, and the size of the process in MB, as JSON."""
    torch.set_num_threads(1)
    if keep and not keep_freed_memory():
        sys.exit("allocator: this C library cannot be told to keep freed memory")
    shape = [int(part) for part in WORKLOADS[mode].split("x")]
    subject = Subject(network, variant, torch.device("cpu"), dtype, shape, mode, "off")
    for _ in range(2):
        subject.work()
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.process_time()
    for _ in range(repeats):
        subject.work()
    seconds = (time.process_time() - start) / repeats
    after = resource.getrusage(resource.RUSAGE_SELF)
    # Not ru_maxrss: a child's begins at the size of the process that started it.
    print(json.dumps([seconds, (after.ru_minflt - before.ru_minflt) / repeats, status_mb("VmHWM")]))


def measure(network: str, variant: str, dtype: str, mode: str, rounds: int, repeats: int) -> dict:
    """One row: both kinds of process in turn."""
    found: dict[bool, list[list[float]]] = {False: [], True: []}
    for _ in range(rounds):
        for keep, results in found.items():
            command = [sys.executable, __file__, "--child", network, variant, dtype, mode, str(int(keep))]
            result = subprocess.run(
                [*command, "--repeats", str(repeats)], capture_output=True, text=True, check=False
            )
            if result.returncode:
                sys.exit(result.stderr.strip())
            results.append(json.loads(result.stdout))
    given, kept = ([statistics.median(column) for column in zip(*found[k], strict=True)] for k in found)
    ratios = sorted(a[0] / b[0] for a, b in zip(found[False], found[True], strict=True))
    return {
        "network": network, "variant": variant, "device": "cpu", "dtype": dtype, "workload": WORKLOADS[mode],
        "mode": mode, "cpu_seconds": given[0], "cpu_seconds_kept": kept[0],
        "speedup": statistics.median(ratios), "speedup_low": ratios[0], "speedup_high": ratios[-1],
        "page_faults": round(given[1]), "page_faults_kept": round(kept[1]),
        "memory_mb": round(given[2]), "memory_mb_kept": round(kept[2]),
        "rounds": rounds, "torch": torch.__version__, "revision": (git_revision() or "")[:12],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="What keeping freed memory is worth on a CPU.")
    parser.add_argument("--networks", nargs="+", default=["fdncnn10x32", "fdncnn20x64"], choices=NETWORKS)
    parser.add_argument("--variants", nargs="+", default=["ordinary", "norm"], choices=VARIANTS)
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES)
    parser.add_argument("--rounds", type=int, default=3, help="processes of either kind")
    parser.add_argument("--repeats", type=int, default=5, help="calls per process")
    parser.add_argument("--out", type=Path, help="CSV to write")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        *what, keep = options.child
        child(*what, keep == "1", options.repeats)
        return 0
    rows = []
    for network in options.networks:
        for mode in options.modes:
            dtype = "bfloat16" if mode == "train" else "float32"
            for variant in options.variants:
                rows.append(measure(network, variant, dtype, mode, options.rounds, options.repeats))
                print(network, variant, mode, f"×{rows[-1]['speedup']:.2f}", flush=True)
    torch.set_num_threads(1)
    target = options.out or RESULTS / f"{label(torch.device('cpu'))}-allocator.csv"
    shown = [{name: f"{v:.5g}" if isinstance(v, float) else v for name, v in row.items()} for row in rows]
    write_csv(target, COLUMNS, shown)
    print(f"{target}: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
