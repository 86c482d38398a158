"""How fast is each variant, as a ratio to the ordinary network measured in the same run?

    python benchmarks/speed.py                      # this machine, into benchmarks/results/<hardware>.csv
    python benchmarks/speed.py --device cuda --dtypes bfloat16 --workloads 128x1x70x70

Variants are timed in turn, round after round, so that a machine that slows down slows them all.
"""

from __future__ import annotations

import re
import statistics
import time
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from torch.utils.flop_counter import FlopCounterMode

from normeq.nn import VARIANTS, build_network
from normeq.provenance import hardware, pick_device

NETWORKS = {
    "fdncnn10x32": ("fdncnn", {"depth": 10, "channels": 32, "constraint": "mean"}),
    "fdncnn20x64": ("fdncnn", {}),
    "drunet": ("drunet", {}),
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
COLUMNS = (
    "network,variant,device,dtype,workload,mode,seconds_median,seconds_iqr,mpx_per_s,peak_mb,mfu,ratio,rounds,threads,torch"
).split(",")


def peak_rate(device: torch.device, dtype: torch.dtype, side: int = 4096) -> float:
    """Matrix products per second that the device reaches, in FLOP/s: the denominator of the utilisation."""
    side = side if device.type == "cuda" else 2048
    a, b = torch.randn(2, side, side, device=device, dtype=dtype)
    seconds = []
    for _ in range(6):
        synchronize(device)
        start = time.perf_counter()
        a @ b
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds)


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Subject:
    """One network under test: a training step or an inference on random images."""

    def __init__(
        self, network: str, variant: str, device: torch.device, dtype: str, shape: list[int], mode: str
    ) -> None:
        architecture, options = NETWORKS[network]
        torch.manual_seed(0)
        self.net = (
            build_network(architecture, variant, **options).to(device).to(memory_format=torch.channels_last)
        )
        self.net.train(mode == "train")
        self.images = torch.rand(shape, device=device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.net.parameters())
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16")
        self.device, self.mode = device, mode
        self.seconds: list[float] = []
        self.peak_mb = float("nan")

    def work(self) -> None:
        if self.mode == "infer":
            with torch.no_grad(), self.autocast:
                self.net(self.images)
            return
        with self.autocast:
            output = self.net(self.images)
        loss = (output.float() - self.images).square().mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def measure(self) -> None:
        memory = PeakMemory(self.device)
        synchronize(self.device)
        start = time.perf_counter()
        self.work()
        synchronize(self.device)
        self.seconds.append(time.perf_counter() - start)
        self.peak_mb = memory.peak_mb()

    def flops(self) -> int:
        with FlopCounterMode(display=False) as counter:
            self.work()
        return counter.get_total_flops()


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
            self.before = _status("VmRSS")

    def peak_mb(self) -> float:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e6
        return _status("VmHWM") - self.before


def _status(key: str) -> float:
    try:
        found = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return float("nan")
    return int(found.group(1)) / 1e3 if found else float("nan")


def label(device: torch.device) -> str:
    """File name of the hardware: processor or GPU, and threads."""
    machine = hardware(device)
    name = machine.get("gpu") or f"{machine['cpu']} {machine['threads']} threads"
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def measure_group(
    network: str, device: torch.device, dtype: str, workload: str, mode: str, rounds: int, rate: float
) -> list[dict[str, object]]:
    """Rows of all variants of one network and workload."""
    shape = [int(part) for part in workload.split("x")]
    subjects = {v: Subject(network, v, device, dtype, shape, mode) for v in VARIANTS}
    for subject in subjects.values():  # warm-up, caches, algorithm choice
        subject.work()
    flops = {variant: subject.flops() for variant, subject in subjects.items()}
    for _ in range(rounds):
        for subject in subjects.values():
            subject.measure()
    pixels = shape[0] * shape[2] * shape[3]
    ordinary = statistics.median(subjects["ordinary"].seconds)
    rows = []
    for variant, subject in subjects.items():
        median = statistics.median(subject.seconds)
        quarters = statistics.quantiles(subject.seconds, n=4)
        rows.append(
            {
                "network": network,
                "variant": variant,
                "device": device.type,
                "dtype": dtype,
                "workload": workload,
                "mode": mode,
                "seconds_median": median,
                "seconds_iqr": quarters[2] - quarters[0],
                "mpx_per_s": pixels / median / 1e6,
                "peak_mb": subject.peak_mb,
                "mfu": flops[variant] / median / rate,
                "ratio": median / ordinary,
                "rounds": rounds,
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
            }
        )
    return rows


def main(
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    networks: Annotated[list[str], typer.Option(help="Repeat for more.")] = ["fdncnn10x32", "fdncnn20x64"],  # noqa: B006
    dtypes: Annotated[list[str], typer.Option(help="float32, bfloat16.")] = ["float32", "bfloat16"],  # noqa: B006
    workloads: Annotated[list[str], typer.Option(help="NxCxHxW.")] = ["16x1x128x128"],  # noqa: B006
    rounds: Annotated[int, typer.Option(min=3, help="Timed rounds over all variants.")] = 10,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measure every network, variant, dtype and mode on one device."""
    where = pick_device(device)
    rows: list[dict[str, object]] = []
    for dtype in dtypes:
        rate = peak_rate(where, DTYPES[dtype])
        for network in networks:
            for workload in workloads:
                for mode in ("train", "infer"):
                    rows += measure_group(network, where, dtype, workload, mode, rounds, rate)
                    for row in rows[-len(VARIANTS) :]:
                        typer.echo(
                            f"{network} {dtype} {workload} {mode} {row['variant']:9s} "
                            f"{row['seconds_median']:.4f} s  ×{row['ratio']:.2f}"
                        )
    target = out or Path(__file__).parent / "results" / f"{label(where)}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=COLUMNS).to_csv(target, index=False, float_format="%.5g", lineterminator="\n")
    typer.echo(f"{target}: {len(rows)} rows")


if __name__ == "__main__":
    typer.run(main)
