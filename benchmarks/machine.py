"""What the programs of this folder share: the machine's name, its clock, its memory, its peak rate."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from normeq.system.files import atomic_path
from normeq.system.provenance import hardware

RESULTS = Path(__file__).parent / "results"


def label(device: torch.device) -> str:
    """File name of the hardware: GPU, or processor and threads."""
    machine = hardware(device)
    name = machine.get("gpu") or f"{machine['cpu']} {machine['threads']} threads"
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def synchronize(device: torch.device) -> None:
    """Wait for a GPU, whose calls return early."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a large matrix product, best of several: the denominator of the utilisation.

    The product grows until it takes 20 ms: a processor without such arithmetic needs minutes for a large one.
    """
    side = 256
    while True:
        side *= 2
        a, b = torch.randn(2, side, side, device=device, dtype=dtype)
        seconds = []
        for _ in range(8):
            synchronize(device)
            start = time.perf_counter()
            a @ b
            synchronize(device)
            seconds.append(time.perf_counter() - start)
        if min(seconds) > 0.02 or side == 8192:
            return 2 * side**3 / min(seconds)


class PeakMemory:
    """Peak memory in MB from now on: allocated on a GPU; on Linux what the process gains, elsewhere
    unknown."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            try:
                Path("/proc/self/clear_refs").write_text("5")
            except OSError:
                pass
            self.before = status_mb("VmRSS")

    def peak_mb(self) -> float:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e6
        return status_mb("VmHWM") - self.before


def status_mb(key: str) -> float:
    """A size of this process in MB, as Linux names it: ``VmRSS``, ``VmHWM``; NaN elsewhere."""
    try:
        found = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return float("nan")
    return int(found.group(1)) / 1e3 if found else float("nan")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[dict[str, object]]) -> None:
    """Write a table of measurements, whole or not at all."""
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
