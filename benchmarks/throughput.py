"""How many patches per second does the trainer take, beside a straightforward PyTorch loop?

    python benchmarks/throughput.py                      # into benchmarks/results/<hardware>-throughput.csv
    python benchmarks/throughput.py --device cuda --network drunet

The straightforward loop is what most repositories have: a Dataset that crops and flips one image at a time, a
DataLoader, float32, eager mode, standard memory format. The trainer is the one of this project, in bfloat16
where that works, compiled on a GPU. Both train the same network on the same images, made up in memory; both
are timed after warm-up, in turn: the speedup is the median, over rounds, of the ratio in the same round, and
mfu is of the rate of what a loop computes in (column ``dtype``).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from machine import RESULTS, label, peak_rate, synchronize, write_csv
from speed import NETWORKS
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from normeq.nn import VARIANTS, build_network
from normeq.system.provenance import git_revision, pick_device
from normeq.training.distributed import ProcessGroup
from normeq.training.loop import Run
from normeq.training.precision import training_arithmetic, usable_precision
from normeq.training.spec import RunSpec

COLUMNS = (
    "network,variant,device,loop,dtype,batch,patch,patches_per_s,mpx_per_s,mfu,speedup,rounds,threads,torch,"
    "revision"
).split(",")
WARM_UP = 3


class Patches(Dataset):
    """One random crop per item, flipped and turned at random."""

    def __init__(self, images: list[np.ndarray], patch: int) -> None:
        self.images, self.patch = images, patch

    def __len__(self) -> int:
        return 1_000_000_000

    def __getitem__(self, index: int) -> torch.Tensor:
        rng = np.random.default_rng(index)
        image = self.images[rng.integers(len(self.images))]
        top, left = (rng.integers(side - self.patch + 1) for side in image.shape)
        crop = np.rot90(image[top : top + self.patch, left : left + self.patch], rng.integers(4))
        crop = crop[:, ::-1] if rng.integers(2) else crop
        return torch.from_numpy(np.ascontiguousarray(crop, np.float32) / 255)[None]


def straightforward(network: str, variant: str, images, batch: int, patch: int, steps: int, device) -> float:
    """Seconds per step of the usual loop."""
    architecture, options = NETWORKS[network]
    net = build_network(architecture, variant, **options).to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    workers = min(8, os.cpu_count() or 1) if device.type == "cuda" else 0
    loader = iter(DataLoader(Patches(images, patch), batch_size=batch, num_workers=workers))
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            synchronize(device)
            start = time.perf_counter()
        clean = next(loader).to(device)
        noisy = clean + 25 / 255 * torch.randn_like(clean)
        loss = (net(noisy) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    synchronize(device)
    return (time.perf_counter() - start) / steps


def trainer(network: str, variant: str, images, batch: int, patch: int, steps: int, device) -> float:
    """Seconds per step of this project's trainer."""
    architecture, options = NETWORKS[network]
    recipe = {"preset": "fast", "steps": WARM_UP + steps, "batch": batch, "patch": patch}
    spec = RunSpec.from_dict(
        {
            "network": {"name": network, "architecture": architecture, **options},
            "variant": variant,
            "dataset": "made-up",
            "sigma": 25,
            "seed": 0,
            "recipe": recipe,
        }
    )
    moments: list[float] = []

    def progress(step: int, done: float, record: dict) -> None:
        if step in (WARM_UP, WARM_UP + steps):
            synchronize(device)
            moments.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder, training_arithmetic():
        run = Run(
            spec,
            Path(folder),
            images,
            [str(n) for n in range(len(images))],
            ProcessGroup(0, 1, device),
            "",
            "",
        )
        run.train("default" if device.type == "cuda" else None, progress)
    return (moments[1] - moments[0]) / steps


def main() -> int:
    parser = argparse.ArgumentParser(description="Patches per second: the trainer beside a usual loop.")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--networks", nargs="+", default=["fdncnn20x64"], choices=NETWORKS)
    parser.add_argument("--variants", nargs="+", default=["ordinary", "norm"], choices=VARIANTS)
    parser.add_argument("--batch", type=int, default=0, help="patches per step; 0: 128 on a GPU, 16 else")
    parser.add_argument("--patch", type=int, default=0, help="side in pixels; 0: 70 on a GPU, 48 else")
    parser.add_argument("--steps", type=int, default=0, help="timed steps per round; 0: 50 on a GPU, 5 else")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, loops in turn")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    device = pick_device(options.device)
    gpu = device.type == "cuda"
    batch, patch = options.batch or (128 if gpu else 16), options.patch or (70 if gpu else 48)
    steps = options.steps or (50 if gpu else 5)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (321, 481), dtype=np.uint8) for _ in range(64)]
    rows = []
    for network in options.networks:
        architecture, settings = NETWORKS[network]
        for variant in options.variants:
            net = build_network(architecture, variant, **settings)
            with FlopCounterMode(display=False) as counter:
                net(torch.zeros(1, 1, patch, patch)).sum().backward()
            flops = counter.get_total_flops() * batch
            precision = usable_precision(net.to(device), "bfloat16", device, patch)
            rates = {name: peak_rate(device, getattr(torch, name)) for name in ("float32", precision)}
            computed = {"straightforward": "float32", "normeq": precision}
            seconds: dict[str, list[float]] = {"straightforward": [], "normeq": []}
            for _ in range(options.rounds):
                for name, loop in (("straightforward", straightforward), ("normeq", trainer)):
                    seconds[name].append(loop(network, variant, images, batch, patch, steps, device))
            for name, values in seconds.items():
                median = statistics.median(values)
                pairs = zip(seconds["straightforward"], values, strict=True)
                speedup = statistics.median(usual / own for usual, own in pairs)
                row = {
                    "network": network,
                    "variant": variant,
                    "device": device.type,
                    "loop": name,
                    "dtype": computed[name],
                    "batch": batch,
                    "patch": patch,
                    "patches_per_s": f"{batch / median:.5g}",
                    "mpx_per_s": f"{batch * patch**2 / median / 1e6:.5g}",
                    "mfu": f"{flops / median / rates[computed[name]]:.3g}",
                    "speedup": f"{speedup:.3g}",
                    "rounds": options.rounds,
                    "threads": torch.get_num_threads(),
                    "torch": torch.__version__,
                    "revision": (git_revision() or "")[:12],
                }
                rows.append(row)
                print(*(f"{key} {row[key]}" for key in COLUMNS[:11]), flush=True)
    target = options.out or RESULTS / f"{label(device)}-throughput.csv"
    write_csv(target, COLUMNS, rows)
    print(f"{target}: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
