"""How fast is `normeq denoise` on a large image, and how much memory does it take?

    python benchmarks/denoise.py                        # 200 million pixels in 4 GiB, hours on a CPU
    python benchmarks/denoise.py --megapixels 200 --network chain4x8     # the same memory, minutes

Writes a 16-bit TIFF into a temporary folder and denoises it in a process of its own, in tiles that the
command chooses. ``chain4x8`` is an untrained network of 4 layers and 8 channels, whose tiles are larger, so
that what it computes on one takes as much memory as with any other. Exit status 1 if the process became
larger than ``--limit``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from machine import RESULTS, label, status_mb, write_csv

from normeq.denoisers.opened import open_network
from normeq.denoisers.pretrained import description
from normeq.denoisers.tiles import tiles
from normeq.nn import build_network
from normeq.nn.weights import save_network
from normeq.system.provenance import git_revision, pick_device

COLUMNS = (
    "network,variant,device,megapixels,dtype,tile,seconds,mpx_per_s,image_mb,peak_mb,limit_mb,threads,torch,revision"
).split(",")
TINY = "chain4x8"


def child(words: list[str]) -> None:
    """Run the command here, then print the size that this process has had."""
    from normeq.cli import app

    start = time.perf_counter()
    app(words, standalone_mode=False)
    print(json.dumps([time.perf_counter() - start, status_mb("VmHWM")]))


def tiny(folder: Path) -> str:
    torch.manual_seed(0)
    file = folder / f"{TINY}.safetensors"
    options = {"depth": 4, "channels": 8}
    description = {"network": {"name": TINY, "architecture": "fdncnn"} | options, "variant": "norm"}
    save_network(file, build_network("fdncnn", "norm", **options), description)
    return str(file)


def noisy_image(height: int, width: int) -> np.ndarray:
    """16-bit samples in a small part of their range."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [
            rng.integers(9000, 9400, (rows.size, width), np.uint16)
            for rows in np.array_split(range(height), 64)
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="normeq denoise on a large image.")
    parser.add_argument("--megapixels", type=float, default=200.0)
    parser.add_argument("--network", default="fdncnn-norm-sigma25", help=f"or {TINY}")
    parser.add_argument("--tile", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--limit", type=float, default=4.0, help="GiB of main memory")
    parser.add_argument("--out", type=Path, help="CSV to write")
    parser.add_argument("--child", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return 0
    import tifffile

    width = round((options.megapixels * 1e6 * 4 / 3) ** 0.5)
    height = round(options.megapixels * 1e6 / width)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = tiny(folder) if options.network == TINY else options.network
        tifffile.imwrite(folder / "in.tif", noisy_image(height, width), photometric="minisblack")
        command = [sys.executable, __file__, "--child", "denoise", str(folder / "in.tif"), "--out"]
        command += [str(folder / "out.tif"), "--network", network, "--tile", options.tile]
        command += ["--device", options.device, "--threads", str(options.threads)]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode:
            return result.returncode
        seconds, peak = json.loads(result.stdout)
        variant = description(network)["variant"]
        opened = open_network(network, options.device)
        side = int(options.tile) if options.tile.isdecimal() else options.tile
        (first, *_) = tiles(height, width, None if side == "whole" else side, opened)
        rows, columns = (place.stop - place.start for place in first.core)
    device = pick_device(options.device)
    limit = options.limit * 2**30 / 1e6
    row = {
        "network": options.network, "variant": variant, "megapixels": round(height * width / 1e6, 2),
        "dtype": "uint16",
        "tile": f"{rows}x{columns}", "device": device.type, "seconds": f"{seconds:.4g}",
        "mpx_per_s": f"{height * width / seconds / 1e6:.4g}",
        "image_mb": round(2 * height * width / 1e6),
        "peak_mb": round(peak), "limit_mb": round(limit),
        "threads": options.threads or torch.get_num_threads(),
        "torch": torch.__version__, "revision": (git_revision() or "")[:12],
    }  # fmt: skip
    target = options.out or RESULTS / f"{label(device)}-denoise.csv"
    write_csv(target, COLUMNS, [row])
    print(
        f"{target}: {row['megapixels']} Mpx in {row['seconds']} s, {row['peak_mb']} MB of {row['limit_mb']}"
    )
    return int(peak > limit)


if __name__ == "__main__":
    sys.exit(main())
