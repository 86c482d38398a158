"""Starting a run from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from normeq.errors import NormeqError
from normeq.suite.data.training import training_images
from normeq.suite.training.run_file import within_minutes
from normeq.system.allocator import keep_freed_memory
from normeq.system.provenance import pick_device
from normeq.system.threads import use_threads
from normeq.training.loop import Interrupted, Progress, train
from normeq.training.spec import RunSpec

COMPILE_MODES = ("default", "reduce-overhead", "max-autotune")


def start(
    spec: RunSpec,
    out: Path,
    data_dir: Path,
    device: str,
    threads: int,
    max_minutes: float | None,
    compile_mode: str,
    progress: Progress | None,
) -> int:
    """Train and say what came out.

    Args:
        spec, out, progress: as in :func:`normeq.training.loop.train`.
        data_dir: folder of the data sets.
        device: auto, cpu, cuda or cuda:N.
        threads: CPU threads; 0 leaves PyTorch's choice.
        max_minutes: fit the whole schedule into this wall time.
        compile_mode: ``auto`` (on a GPU), ``off``, or one of :data:`COMPILE_MODES`.

    Returns:
        Exit code: 0, or 130 where a signal stopped the run and the same command goes on.

    Raises:
        NormeqError: see :func:`normeq.training.loop.train` and
            :func:`normeq.suite.data.training.training_images`; unknown compile mode.
    """
    if compile_mode not in ("auto", "off", *COMPILE_MODES):
        raise NormeqError(
            f"--compile must be one of auto, off, {', '.join(COMPILE_MODES)}, not {compile_mode}"
        )
    if max_minutes is not None:
        spec = within_minutes(spec, max_minutes)
    use_threads(threads)
    keep_freed_memory()
    where = pick_device(device)
    mode = {"auto": "default" if where.type == "cuda" else None, "off": None}.get(compile_mode, compile_mode)
    try:
        images = training_images(spec.dataset, data_dir)
        run = train(spec, out, images, device=where, compile_mode=mode, progress=progress)
    except Interrupted as stop:
        print(f"normeq: {out}: {stop}", file=sys.stderr)
        return 130
    if "weights_sha256" in run:  # the process of a group that writes
        validation = run["validation_psnr"]
        score = f", held-out PSNR {validation:.2f} dB" if validation is not None else ""
        pixels = run["pixels"] / 1e6
        print(f"{out}: {run['steps']} steps, {pixels:.0f} million pixels in {run['seconds']:.0f} s{score}")
    return 0
