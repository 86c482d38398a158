"""How fast is each variant, as a ratio to the ordinary network measured in the same run?

    python benchmarks/speed.py                      # this machine, into benchmarks/results/<hardware>.csv
    python benchmarks/speed.py --device cuda --dtypes bfloat16 --workloads 128x1x70x70

Variants are timed in turn, round after round, so that a machine that slows down slows them all. Needs no more
than the trainer: torch, numpy, scikit-image, safetensors, PyYAML.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from pathlib import Path

import torch
from machine import RESULTS, PeakMemory, label, peak_rate, synchronize, write_csv
from torch.utils.flop_counter import FlopCounterMode

from normeq.errors import NormeqError
from normeq.nn import VARIANTS, build_network, fold
from normeq.system.provenance import git_revision, pick_device

NETWORKS = {
    "fdncnn10x32": ("fdncnn", {"depth": 10, "channels": 32, "constraint": "mean"}),
    "fdncnn20x64": ("fdncnn", {"constraint": "mean"}),
    "drunet": ("drunet", {"constraint": "mean"}),
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
MODES = ("train", "infer")
COLUMNS = (
    "network,variant,device,dtype,workload,mode,seconds_median,seconds_iqr,mpx_per_s,peak_mb,mfu,"
    "ratio,ratio_low,ratio_high,rounds,threads,compile,torch,revision"
).split(",")


class Subject:
    """One network under test: a training step (bfloat16: autocast), or the inference of a folded network."""

    def __init__(
        self,
        network: str,
        variant: str,
        device: torch.device,
        dtype: str,
        shape: list[int],
        mode: str,
        compile_mode: str,
    ) -> None:
        architecture, options = NETWORKS[network]
        torch.manual_seed(0)
        net = build_network(architecture, variant, **options).to(device)
        net = net.to(memory_format=torch.channels_last).train(mode == "train")
        self.images = torch.rand(shape, device=device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(net.parameters(), fused=device.type == "cuda")
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16")
        self.device, self.mode = device, mode
        if mode == "infer":
            net = fold(net).to(DTYPES[dtype])
            self.images = self.images.to(DTYPES[dtype])
        self.plain = net
        self.net = net if compile_mode == "off" else torch.compile(net, mode=compile_mode, dynamic=False)
        self.seconds: list[float] = []
        self.peak_mb = float("nan")

    def work(self, net: torch.nn.Module | None = None) -> None:
        net = net or self.net
        if self.mode == "infer":
            with torch.no_grad():
                net(self.images)
            return
        with self.autocast:
            output = net(self.images)
        loss = (output.float() - self.images).square().mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

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
            self.work(self.plain)
        return counter.get_total_flops()


def quartiles(values: list[float]) -> list[float]:
    """Lower quartile, median and upper quartile; of one value, that value."""
    return statistics.quantiles(values, n=4) if len(values) > 1 else values * 3


def measure_group(
    network: str,
    device: torch.device,
    dtype: str,
    workload: str,
    mode: str,
    rounds: int,
    rate: float,
    compile_mode: str,
) -> list[dict[str, object]]:
    """Rows of all variants of one network and workload."""
    shape = [int(part) for part in workload.split("x")]
    subjects = {v: Subject(network, v, device, dtype, shape, mode, compile_mode) for v in VARIANTS}
    flops = subjects["ordinary"].flops()  # useful work: the margins that norm computes on top do not count
    for subject in subjects.values():  # warm-up, caches, compilation
        for _ in range(3 if device.type == "cuda" else 1):
            subject.work()
    for _ in range(rounds):
        for subject in subjects.values():
            subject.measure()
    pixels = shape[0] * shape[2] * shape[3]
    rows = []
    for variant, subject in subjects.items():
        median = statistics.median(subject.seconds)
        quarters = quartiles(subject.seconds)
        pairs = zip(subject.seconds, subjects["ordinary"].seconds, strict=True)
        ratios = quartiles([own / ordinary for own, ordinary in pairs])
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
                "mfu": flops / median / rate,
                "ratio": ratios[1],
                "ratio_low": ratios[0],
                "ratio_high": ratios[2],
                "rounds": rounds,
                "threads": torch.get_num_threads(),
                "compile": compile_mode,
                "torch": torch.__version__,
                "revision": (git_revision() or "")[:12],
            }
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description="Seconds per training step and inference, by variant.")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--networks", nargs="+", default=["fdncnn10x32", "fdncnn20x64"], choices=NETWORKS)
    parser.add_argument("--dtypes", nargs="+", default=list(DTYPES), choices=DTYPES)
    parser.add_argument("--workloads", nargs="+", default=["16x1x128x128"], help="NxCxHxW")
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES)
    parser.add_argument("--rounds", type=int, default=10, help="timed rounds over all variants")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves PyTorch's choice")
    parser.add_argument("--compile", default="auto", help="auto (default on a GPU), off, or a mode")
    parser.add_argument("--append", action="store_true", help="keep the rows of other settings in the file")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        device = pick_device(options.device)
    except NormeqError as error:
        print(f"speed: error: {error}", file=sys.stderr)
        return 2
    compile_mode = options.compile
    if compile_mode == "auto":
        compile_mode = "default" if device.type == "cuda" else "off"
    target = options.out or RESULTS / f"{label(device)}.csv"
    rows: list[dict[str, object]] = []
    for dtype in options.dtypes:
        rate = peak_rate(device, DTYPES[dtype])
        for network in options.networks:
            for workload in options.workloads:
                for mode in options.modes:
                    group = measure_group(
                        network, device, dtype, workload, mode, options.rounds, rate, compile_mode
                    )
                    rows += group
                    write(target, rows, options.append)
                    for row in group:
                        print(
                            f"{network} {dtype} {workload} {mode} {row['variant']:9s} "
                            f"{row['seconds_median']:.4f} s  ×{row['ratio']:.2f}  mfu {row['mfu']:.0%}",
                            flush=True,
                        )
    print(f"{target}: {len(rows)} rows measured")
    return 0


def write(target: Path, rows: list[dict[str, object]], append: bool) -> None:
    """Write the rows; with ``append`` beside those of the file that have other settings."""
    settings = ("network", "device", "dtype", "workload", "mode", "threads", "compile")

    def key(row: dict[str, object]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in settings)

    kept: list[dict[str, object]] = []
    if append and target.is_file():
        with open(target, newline="", encoding="utf-8") as handle:
            measured = set(map(key, rows))
            kept = [row for row in csv.DictReader(handle) if key(row) not in measured]
    shown = [{name: f"{v:.5g}" if isinstance(v, float) else v for name, v in row.items()} for row in rows]
    write_csv(target, COLUMNS, [*kept, *shown])


if __name__ == "__main__":
    sys.exit(main())
