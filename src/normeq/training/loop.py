"""The training loop."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from normeq import provenance
from normeq.data.listing import files
from normeq.data.registry import pin
from normeq.errors import NormeqError
from normeq.files import atomic_path, read_json, write_json
from normeq.images import read_gray_uint8
from normeq.metrics import psnr
from normeq.noise import gaussian_noise
from normeq.training.checkpoint import load_checkpoint, save_checkpoint
from normeq.training.patches import PatchSampler
from normeq.training.schedule import learning_rate
from normeq.training.spec import RunSpec
from normeq.weights import load_state, save_network

CHECKPOINT_SECONDS = 60.0
LOG_LINES = 200  # lines of train.jsonl in a whole run

LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "mse": nn.functional.mse_loss,
    "l1": nn.functional.l1_loss,
}


class Interrupted(Exception):
    """SIGINT or SIGTERM arrived; a checkpoint was written."""


def train(
    spec: RunSpec,
    out: str | Path,
    *,
    data_dir: str | Path = "data",
    device: torch.device | None = None,
    progress: Callable[[int, dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Carry out one run, or go on with it where it stopped.

    Writes ``model.safetensors``, ``train.jsonl`` and ``run.json`` into ``out``, and ``checkpoint.pt`` on the
    way. A run that is complete is left as it is; a stopped one continues from its checkpoint and, on a CPU
    with the same number of threads, ends with the very weights of an uninterrupted one.

    Args:
        spec: what to train.
        out: folder of the run.
        data_dir: folder of the data sets.
        device: where to train; default: a GPU where usable.
        progress: called with the step and the newest log record after every step.

    Returns:
        The content of ``run.json``.

    Raises:
        NormeqError: missing data, a checkpoint that is truncated or of another run, a full disk.
        Interrupted: SIGINT or SIGTERM; a checkpoint was written first.
    """
    out = Path(out)
    device = device or provenance.pick_device()
    data_pin = pin(spec.dataset, Path(data_dir))
    fingerprint = spec.fingerprint(data_pin)
    done = completed_run(out, fingerprint)
    if done is not None:
        return done

    revision = provenance.git_revision()  # now: the tree may change during a long run
    recipe = spec.recipe
    torch.manual_seed(spec.seed)
    network = spec.build().to(device).to(memory_format=torch.channels_last)
    images, names = _read_images(spec.dataset, data_dir)
    held, kept = images[len(images) - recipe.holdout :], images[: len(images) - recipe.holdout]
    held_names = names[len(names) - recipe.holdout :]
    sampler = PatchSampler(kept, recipe.patch, recipe.batch, spec.sigma_range, spec.seed)

    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.lr)
    checkpoint = out / "checkpoint.pt"
    state: dict[str, Any] = {"step": 0, "seconds": 0.0}
    if checkpoint.exists():
        state = load_checkpoint(checkpoint, fingerprint)
        load_state(network, state["network"], checkpoint)
        optimizer.load_state_dict(state["optimizer"])
    log = _open_log(out / "train.jsonl", state["step"])

    loss_function = LOSSES[recipe.loss]
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")
    start, saved, before = time.monotonic(), time.monotonic(), state["seconds"]
    every = max(1, recipe.steps // LOG_LINES)
    record: dict[str, Any] = {}
    running, counted = torch.zeros((), device=device), 0

    def save(step: int) -> None:
        save_checkpoint(
            checkpoint,
            {
                "fingerprint": fingerprint,
                "step": step,
                "seconds": before + time.monotonic() - start,
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
            },
        )

    network.train()
    with log, _stop_signals() as stop:
        for step in range(state["step"], recipe.steps):
            lr = learning_rate(recipe, step)
            for group in optimizer.param_groups:
                group["lr"] = lr
            noisy, clean, sigma = sampler.draw(step, device)
            noisy = noisy.contiguous(memory_format=torch.channels_last)
            with autocast:
                output = network(noisy, sigma)
            loss = loss_function(output.float(), clean)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

            running += loss.detach()
            counted += 1
            last = step + 1 == recipe.steps
            if (step + 1) % every == 0 or last:
                record = {
                    "step": step + 1,
                    "pixels": (step + 1) * recipe.batch * recipe.patch**2,
                    "seconds": round(before + time.monotonic() - start, 2),
                    "lr": lr,
                    "loss": running.item() / counted,
                }
                if not np.isfinite(record["loss"]):
                    raise NormeqError(
                        f"{out}: the loss is no longer finite at step {step + 1}; lower the learning rate"
                    )
                running.zero_()
                counted = 0
                wanted = recipe.validate_every and (step + 1) % recipe.validate_every < every
                if held and (last or wanted):
                    record["validation_psnr"] = _validate(network, spec, held, held_names, device)
                log.write(json.dumps(record) + "\n")
                log.flush()
            if progress:
                progress(step + 1, record)
            if last or stop or time.monotonic() - saved > CHECKPOINT_SECONDS:
                save(step + 1)
                saved = time.monotonic()
            if stop and not last:
                raise Interrupted(
                    f"stopped at step {step + 1} of {recipe.steps}; run the same command to go on"
                )

    network.eval()
    save_network(out / "model.safetensors", network, spec.to_dict())
    run = {
        "fingerprint": fingerprint,
        "spec": spec.to_dict(),
        "data": {"pin": data_pin, "images": len(images), "sha256_of_pixels": _hash_images(images)},
        "pixels": recipe.pixels,
        "seconds": round(before + time.monotonic() - start, 1),
        "validation_psnr": record.get("validation_psnr"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "weights_sha256": provenance.file_sha256(out / "model.safetensors"),
        "revision": revision,
        "versions": provenance.versions(),
        "hardware": provenance.hardware(device),
    }
    write_json(out / "run.json", run)
    return run


def completed_run(out: Path, fingerprint: str) -> dict[str, Any] | None:
    """The record of a finished run in ``out``, or None where there is none.

    Raises:
        NormeqError: the folder holds another finished run, or weights that are not those of its record.
    """
    if not (out / "run.json").exists() or not (out / "model.safetensors").exists():
        return None
    run = read_json(out / "run.json")
    if run.get("fingerprint") != fingerprint:
        raise NormeqError(
            f"{out}: holds another run (network, recipe, seed or data differ); choose another --out folder"
        )
    if run.get("weights_sha256") != provenance.file_sha256(out / "model.safetensors"):
        raise NormeqError(
            f"{out}/model.safetensors: not the weights that run.json records; delete it to train again"
        )
    return run


def _read_images(dataset: str, data_dir: str | Path) -> tuple[list[np.ndarray], list[str]]:
    paths = files(dataset, Path(data_dir))
    return [read_gray_uint8(path) for path in paths], [path.stem for path in paths]


def _hash_images(images: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for image in images:
        digest.update(repr(image.shape).encode())
        digest.update(image.tobytes())
    return digest.hexdigest()


@torch.no_grad()
def _validate(network: nn.Module, spec: RunSpec, images: list[np.ndarray], names: list[str], device) -> float:
    """Mean PSNR (dB) over held-out training images at the middle of the noise range."""
    sigma = sum(spec.sigma_range) / 2
    network.eval()
    values = []
    for image, name in zip(images, names, strict=True):
        clean = image.astype(np.float32) / 255
        noisy = clean + gaussian_noise(clean.shape, sigma, spec.dataset, name, draw=0)
        output = network(torch.from_numpy(noisy)[None, None].to(device), sigma / 255)
        values.append(psnr(output[0, 0], clean))
    network.train()
    return float(np.mean(values))


def _open_log(path: Path, step: int):
    """Open the log for appending, without the lines that a resumed run will write again."""
    lines = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    lines.append(line + "\n")
            except (json.JSONDecodeError, KeyError):
                break  # the torn last line of a killed run
    with atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    return open(path, "a", encoding="utf-8")


class _Stop:
    """True once a stop signal has arrived."""

    def __init__(self) -> None:
        self.flag = False

    def __bool__(self) -> bool:
        return self.flag


@contextmanager
def _stop_signals() -> Iterator[_Stop]:
    """Turn SIGINT and SIGTERM into a flag, so that the current step ends before the checkpoint is written."""
    stop = _Stop()

    def handler(signum, frame) -> None:
        stop.flag = True

    previous = {}
    try:
        for signum in (signal.SIGINT, signal.SIGTERM):
            try:
                previous[signum] = signal.signal(signum, handler)
            except ValueError:  # not in the main thread: the caller handles signals
                break
        yield stop
    finally:
        for signum, old in previous.items():
            signal.signal(signum, old)
