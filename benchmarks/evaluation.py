"""What does an evaluation over noise levels cost: the network, all the rest, and memory?

    python benchmarks/evaluation.py                    # into benchmarks/results/<hardware>-evaluation.csv
    python benchmarks/evaluation.py --device cuda

A process evaluates an untrained network on made-up images, as `normeq evaluate noise-levels` does. On a CPU
it runs on one thread and what counts is CPU time, which other programs hardly disturb; on a GPU it is wall
time. From the seconds per megapixel follows, by proportion alone, what the full grid would take.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from machine import RESULTS, PeakMemory, label, synchronize, write_csv
from speed import NETWORKS
from torch.utils.flop_counter import FlopCounterMode

from normeq.denoisers.open import Denoiser
from normeq.errors import NormeqError
from normeq.nn import VARIANTS, FoldedForInference, build_network
from normeq.suite.measurements import noise_levels
from normeq.suite.measuring import stream as streaming
from normeq.suite.measuring.rows import write_rows
from normeq.system.allocator import keep_freed_memory
from normeq.system.provenance import git_revision, pick_device

COLUMNS = (
    "network,variant,device,images,shape,levels,draws,network_s_per_mpx,rest_s_per_mpx,noise_s_per_mpx,"
    "metrics_s_per_mpx,memory_mb,grid_pflop,grid_minutes_extrapolated,rounds,threads,torch,revision"
).split(",")
# Set12 (7 images of 256×256, 5 of 512×512) and BSD68, in pixels; 21 levels, 5 draws, 4 networks.
GRID = (7 * 256 * 256 + 5 * 512 * 512 + 68 * 321 * 481) * 21 * 5 * 4


class Clock:
    """Seconds spent in some functions: CPU time on a CPU, on a GPU wall time until it has finished."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = {}

    def now(self) -> float:
        synchronize(self.device)
        return time.perf_counter() if self.device.type == "cuda" else time.process_time()

    def timed(self, name: str, function: Callable) -> Callable:
        def call(*arguments: object, **named: object) -> object:
            start = self.now()
            result = function(*arguments, **named)
            self.seconds[name] = self.seconds.get(name, 0.0) + self.now() - start
            return result

        return call


def child(options: argparse.Namespace) -> None:
    """Print, as JSON, seconds per megapixel (network, noise, metrics, all) and the peak memory in MB."""
    device = torch.device(options.device)
    if device.type == "cpu":
        torch.set_num_threads(1)
    keep_freed_memory()
    memory = PeakMemory(device)
    torch.manual_seed(0)
    architecture, settings = NETWORKS[options.network]
    network = build_network(architecture, options.variant, **settings).eval().requires_grad_(False)
    denoiser = Denoiser(
        options.network, options.variant, "25", "0", "", FoldedForInference(network).to(device),
        differentiable=True, batched=True,
    )  # fmt: skip
    shape = [int(side) for side in options.shape.split("x")]
    rng = np.random.default_rng(0)
    images = [("made-up", str(n), rng.random(shape, np.float32)) for n in range(options.images)]
    clock = Clock(device)

    def evaluate(levels: int, out: Path) -> float:
        """Seconds of one evaluation, the table it writes included."""
        clock.seconds.clear()
        start = clock.now()
        sigmas = [5.0 + level for level in range(levels)]
        rows = noise_levels.evaluate(denoiser, ["made-up"], sigmas, options.draws, device=device)
        write_rows(out, noise_levels.COLUMNS, rows)
        return clock.now() - start

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(streaming, "test_images", lambda *_: iter(images)),
        mock.patch.object(streaming, "denoise", clock.timed("network", streaming.denoise)),
        mock.patch.object(streaming, "_noisy", clock.timed("noise", streaming._noisy)),
        mock.patch.object(noise_levels, "judge", clock.timed("metrics", noise_levels.judge)),
    ):
        evaluate(1, Path(folder) / "warm-up.csv")
        total = evaluate(options.levels, Path(folder) / "rows.csv")
    megapixels = options.images * shape[0] * shape[1] * options.levels * options.draws / 1e6
    seconds = [clock.seconds[name] for name in ("network", "noise", "metrics")]
    print(json.dumps([*(part / megapixels for part in (*seconds, total)), memory.peak_mb()]))


def measure(network: str, variant: str, levels: int, options: argparse.Namespace) -> dict[str, object]:
    """One row: the medians of some processes."""
    found = []
    for _ in range(options.rounds):
        what = {
            "device": options.device, "network": network, "variant": variant, "levels": levels,
            "images": options.images, "draws": options.draws, "shape": options.shape,
        }  # fmt: skip
        command = [sys.executable, __file__, "--child", json.dumps(what)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            sys.exit(result.stderr.strip())
        found.append(json.loads(result.stdout))
    own, noise, metrics, total, memory = (statistics.median(column) for column in zip(*found, strict=True))
    rest = statistics.median(row[3] - row[0] for row in found)
    return {
        "network": network, "variant": variant, "device": torch.device(options.device).type,
        "images": options.images, "shape": options.shape, "levels": levels, "draws": options.draws,
        "network_s_per_mpx": own, "rest_s_per_mpx": rest, "noise_s_per_mpx": noise,
        "metrics_s_per_mpx": metrics, "memory_mb": round(memory),
        "grid_pflop": flops_per_pixel(network) * GRID / 1e15,
        "grid_minutes_extrapolated": total * GRID / 1e6 / 60,
        "rounds": options.rounds, "threads": torch.get_num_threads(), "torch": torch.__version__,
        "revision": (git_revision() or "")[:12],
    }  # fmt: skip


def flops_per_pixel(network: str) -> float:
    """Multiplications and additions of the ordinary network for one pixel."""
    architecture, settings = NETWORKS[network]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        build_network(architecture, "ordinary", **settings)(torch.zeros(1, 1, 64, 64))
    return counter.get_total_flops() / 64**2


def main() -> int:
    parser = argparse.ArgumentParser(description="What an evaluation over noise levels costs, and where.")
    parser.add_argument("--device", default="cpu", help="auto, cpu or cuda")
    parser.add_argument("--networks", nargs="+", default=["fdncnn10x32", "fdncnn20x64"], choices=NETWORKS)
    parser.add_argument("--variants", nargs="+", default=["ordinary", "norm"], choices=VARIANTS)
    parser.add_argument("--levels", type=int, nargs="+", default=[2, 20], help="how many; a row for each")
    parser.add_argument("--draws", type=int, default=1, help="noise realisations per image and level")
    parser.add_argument("--images", type=int, default=0, help="how many; 0: 13 on a GPU (a batch), 1 else")
    parser.add_argument("--shape", default="321x481", help="HxW of an image; BSD68's by default")
    parser.add_argument("--rounds", type=int, default=3, help="processes per row")
    parser.add_argument("--append", action="store_true", help="keep the rows that the file has")
    parser.add_argument("--out", type=Path, help="CSV to write")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(argparse.Namespace(**json.loads(options.child)))
        return 0
    try:
        device = pick_device(options.device)
    except NormeqError as error:
        print(f"evaluation: error: {error}", file=sys.stderr)
        return 2
    options.device = str(device)
    options.images = options.images or (13 if device.type == "cuda" else 1)
    if device.type == "cpu":
        torch.set_num_threads(1)
    target = options.out or RESULTS / f"{label(device)}-evaluation.csv"
    rows = []
    if options.append and target.is_file():
        with open(target, newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    for network in options.networks:
        for variant in options.variants:
            for levels in options.levels:
                row = measure(network, variant, levels, options)
                rows.append({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()})
                print(*(f"{key} {rows[-1][key]}" for key in COLUMNS[:14]), flush=True)
    write_csv(target, COLUMNS, rows)
    print(f"{target}: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
