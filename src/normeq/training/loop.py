"""The training loop."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from normeq.errors import NormeqError, few
from normeq.nn.weights import load_state, save_network
from normeq.system import provenance
from normeq.system.files import clear_left, read_json, write_json
from normeq.system.locks import clear_lock
from normeq.system.seals import seal, unseal, warn_of_broken
from normeq.training.average import WeightAverage
from normeq.training.checkpoint import load_checkpoint, save_checkpoint
from normeq.training.distributed import ProcessGroup, join_group
from normeq.training.images import TrainingImages
from normeq.training.init import initialize
from normeq.training.lock import LOCK, only_one
from normeq.training.log import no_log, open_log
from normeq.training.optimizers import build_optimizers
from normeq.training.patches import PatchSampler
from normeq.training.precision import training_arithmetic, usable_precision
from normeq.training.schedule import learning_rate_factor
from normeq.training.signals import stop_signals
from normeq.training.slices import UNKNOWN, made_by, with_slice
from normeq.training.spec import RunSpec
from normeq.training.validation import validate

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0
LOG_LINES = 200  # lines of train.jsonl in a whole run
GROUP_STEPS = 10  # between questions to the other processes whether to stop

LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "mse": nn.functional.mse_loss,
    "l1": nn.functional.l1_loss,
}

# Called with the steps done, the part of the training done in (0,1], and the newest log record.
Progress = Callable[[int, float, dict[str, Any]], None]


class Interrupted(Exception):
    """SIGINT, SIGTERM or SIGHUP arrived; a checkpoint was written."""


def train(
    spec: RunSpec,
    out: str | Path,
    images: TrainingImages,
    *,
    device: torch.device | None = None,
    compile_mode: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Carry out one run, or go on with it where it stopped.

    Writes ``model.safetensors``, ``train.jsonl`` and ``run.json`` into ``out``, and ``checkpoint.pt`` on the
    way. A run that is complete is left as it is; a stopped one continues from its checkpoint, also on another
    machine if the folder is taken there. With ``steps`` in its recipe, on a CPU with the same number of
    threads, it ends with the very weights of an uninterrupted one. Processes started by ``torchrun`` share
    every batch.

    Args:
        spec: what to train.
        out: folder of the run.
        images: what to train on; see :func:`normeq.training.images.from_arrays` and ``from_folder``. They are
            read only where there is something left to train.
        device: where to train; default: a GPU where usable.
        compile_mode: mode of :func:`torch.compile` (``default``, ``reduce-overhead``, …); None for none.
        progress: called after every step, see :data:`Progress`.

    Returns:
        The content of ``run.json``.

    Raises:
        NormeqError: missing data, a checkpoint that is truncated, of another run or of other images, a full
            disk; another process is training in ``out``.
        Interrupted: SIGINT, SIGTERM or SIGHUP; a checkpoint was written first.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise NormeqError(f"{out}: a file is there; --out names the folder of the run")
    fingerprint = spec.fingerprint(images.pin)
    done = completed_run(out, fingerprint)
    if done is not None:
        clear_lock(out / LOCK)
        return done

    with only_one(out), training_arithmetic():
        clear_left(out)
        done = completed_run(out, fingerprint)  # by another process in the meantime
        return done or _train(spec, out, images, device, compile_mode, progress, fingerprint)


def _train(
    spec: RunSpec,
    out: Path,
    images: TrainingImages,
    device: torch.device | None,
    compile_mode: str | None,
    progress: Progress | None,
    fingerprint: str,
) -> dict[str, Any]:
    revision = provenance.git_revision()  # now: the tree may change during a long run
    loaded = images.load()
    arrays = list(loaded.arrays)
    pixels = _hash_images(arrays)
    with join_group(device or provenance.pick_device()) as group:
        run = Run(spec, out, arrays, list(loaded.names), group, fingerprint, pixels)
        if run.small and group.rank == 0:
            side = f"{spec.recipe.patch}×{spec.recipe.patch}"
            log.warning(
                "%s: %d of %d images are smaller than a patch of %s pixels and are not trained on: %s",
                *(spec.dataset, len(run.small), len(arrays), side, few(run.small)),
            )
        if spec.recipe.validate_every and not spec.recipe.holdout and group.rank == 0:
            log.warning(
                "recipe: validate_every has no effect: holdout is 0, so there is nothing to validate on"
            )
        now = made_by(revision, group.device, group.size, run.precision)
        if not run.finished:
            run.slices = with_slice(run.slices, run.step, now)
            run.train(compile_mode, progress)
        made = now | run.slices[-1]  # which only ended elsewhere is not made here
        record = {
            "fingerprint": fingerprint,
            "spec": spec.to_dict(),
            "data": {
                "pin": images.pin,
                "images": len(arrays),
                "sha256_of_pixels": pixels,
                "smaller_than_patch": len(run.small),
                "left_out": loaded.left_out,
                "values": [min(int(i.min()) for i in arrays), max(int(i.max()) for i in arrays)],
            },
            "steps": run.step,
            "computed_in": made["computed_in"],
            "pixels": run.pixels,
            "seconds": round(run.seconds, 1),
            "validation_psnr": run.record.get("validation_psnr"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            **{key: made[key] for key in ("revision", "versions", "hardware")},
        }
        if len(run.slices) > 1:  # above stands what the last one was made by
            record["slices"] = run.slices
        if group.rank == 0:
            run.save_weights(out / "model.safetensors")
            record["weights_sha256"] = provenance.file_sha256(out / "model.safetensors")
            unseal(out / "run.json")
            write_json(out / "run.json", record)
            for written in ("run.json", "train.jsonl"):
                seal(out / written)
        return record


class Run:
    """A run in progress: the network, its optimisers, and how far they are.

    Args:
        spec, out: as in :func:`train`.
        images, names: the training images, uint8, with those held out at the end.
        group: the processes that share it.
        fingerprint: of the run; a checkpoint in ``out`` must carry it.
        images_sha256: of the training images; a checkpoint must carry it too (older ones carry none).
    """

    def __init__(
        self,
        spec: RunSpec,
        out: Path,
        images: list[np.ndarray],
        names: list[str],
        group: ProcessGroup,
        fingerprint: str,
        images_sha256: str,
    ) -> None:
        self.images_sha256 = images_sha256
        self.spec, self.recipe, self.group, self.fingerprint = spec, spec.recipe, group, fingerprint
        self.log, self.checkpoint = out / "train.jsonl", out / "checkpoint.pt"
        torch.manual_seed(spec.seed)
        network = spec.build()
        initialize(network, self.recipe.init)
        self.network = network.to(group.device).to(memory_format=torch.channels_last)
        asked = self.recipe.precision
        usable = usable_precision(self.network, asked, group.device, self.recipe.patch)
        self.precision = "float32" if group.any(usable != asked) else asked  # the same for all
        self.optimizers = build_optimizers(self.network, self.recipe)
        self.average = WeightAverage(self.network, self.recipe.average) if self.recipe.average else None
        kept = images[: len(images) - self.recipe.holdout]
        if not kept:
            raise NormeqError(
                f"recipe: holdout {self.recipe.holdout} leaves none of the {len(images)} images to train on"
            )
        self.small = [
            name for image, name in zip(kept, names, strict=False) if min(image.shape) < self.recipe.patch
        ]
        self.held_images, self.held_names = images[len(kept) :], names[len(kept) :]
        self.sampler = PatchSampler(
            kept, self.recipe.patch, self.recipe.batch, spec.sigma_range, spec.seed, group.device, spec.noise
        )
        self.part = group.share(self.recipe.batch)
        self.step, self.seconds, self.finished = 0, 0.0, False
        self.running, self.counted, self.validated = 0.0, 0, 0  # of the line of the log that is to come
        self.slices: list[dict[str, Any]] = []
        self.record: dict[str, Any] = {}
        if self.checkpoint.exists():
            self._resume()

    @property
    def pixels(self) -> int:
        """Training pixels seen."""
        return self.step * self.recipe.batch * self.recipe.patch**2

    def train(self, compile_mode: str | None, progress: Progress | None) -> None:
        """Train to the end, or until a stop signal.

        Raises:
            Interrupted: a stop signal; the checkpoint is written.
            NormeqError: the loss, the last weights or what they give for held-out images is not finite.
        """
        recipe, device = self.recipe, self.group.device
        forward = self.group.wrap(self.network)
        if compile_mode:
            forward = torch.compile(forward, mode=compile_mode, dynamic=False)
        loss_function = LOSSES[recipe.loss]
        autocast = torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16")
        running = torch.tensor(self.running, device=device)
        saved = time.monotonic()
        start = time.monotonic() - self.seconds
        self.network.train()
        with (
            open_log(self.log, self.step) if self.group.rank == 0 else no_log() as log,
            stop_signals() as stop,
        ):
            done = self._done()
            while not self.finished:
                factor = learning_rate_factor(recipe, self.step, done)
                for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
                    group["lr"] = factor * group["peak"]
                noisy, clean, sigma = self.sampler.draw(self.step, self.part)
                noisy = noisy.contiguous(memory_format=torch.channels_last)
                with autocast:
                    output = forward(noisy, sigma)
                loss = loss_function(output.float(), clean)
                loss.backward()
                for optimizer in self.optimizers:
                    optimizer.step()
                    optimizer.zero_grad(set_to_none=True)
                if self.average:
                    self.average.update(self.network, self.step)

                running += loss.detach()
                self.counted += 1
                self.step += 1
                self.seconds = time.monotonic() - start
                before, done = done, self._done()
                self.finished = done >= 1
                if int(done * LOG_LINES) > int(before * LOG_LINES):
                    every = recipe.validate_every
                    due = every and self.step // every > self.validated // every
                    self.validated = self.step if due else self.validated
                    self._log(log, running.item() / self.counted, factor, bool(due))
                    running.zero_()
                    self.counted = 0
                    self.seconds = time.monotonic() - start
                if progress and self.group.rank == 0:
                    progress(self.step, done, self.record)
                asked = self.group.size == 1 or self.step % GROUP_STEPS == 0
                stopped = asked and not self.finished and self.group.any(bool(stop))
                if self.finished or stopped or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self.running = running.item()
                    self._save()
                    saved = time.monotonic()
                if stopped:
                    raise Interrupted(
                        f"stopped at step {self.step} ({done:.0%}); run the same command to go on"
                    )

    def save_weights(self, path: Path) -> None:
        """Write the result: the averaged weights where the recipe averages."""
        with self._result():
            save_network(path, self.network, self.spec.to_dict(), getattr(torch, self.recipe.store))

    def _done(self) -> float:
        """The part of the training that is behind, 1 at the end; by the clock, of what fits into the time."""
        if self.recipe.steps is not None:
            return self.step / self.recipe.steps
        seconds, budget = self.group.first(self.seconds), 60 * self.recipe.max_minutes
        with_next = seconds * (self.step + 1) / max(1, self.step)
        return 1.0 if self.step and with_next > budget else min(seconds / budget, 1 - 1e-9)

    def _log(self, log: Any, loss: float, factor: float, due: bool) -> None:
        loss = self.group.mean(loss)
        self._stay_finite("loss is", np.isfinite(loss))
        if self.finished:  # the last step changes what no loss has seen
            weights = self.network.state_dict().values()
            self._stay_finite("weights are", all(bool(one.isfinite().all()) for one in weights))
        self.record = {
            "step": self.step,
            "pixels": self.pixels,
            "seconds": round(self.seconds, 2),
            "lr": factor * self.recipe.lr,
            "loss": loss,
        }
        if self.held_images and (due or self.finished) and self.group.rank == 0:
            with self._result():
                self.record["validation_psnr"] = validate(
                    self.network, self.spec, self.held_images, self.held_names, self.group.device
                )
            self._stay_finite("output is", not np.isnan(self.record["validation_psnr"]))
        log.write(json.dumps(self.record) + "\n")

    def _stay_finite(self, what: str, finite: bool) -> None:
        if not finite:
            raise NormeqError(
                f"{self.log.parent}: the {what} no longer finite at step {self.step}; lower the learning rate"
            )

    def _result(self) -> Any:
        return self.average.applied(self.network) if self.average else nullcontext()

    def _save(self) -> None:
        if self.group.rank:
            return
        save_checkpoint(
            self.checkpoint,
            {
                "fingerprint": self.fingerprint,
                "images": self.images_sha256,
                "step": self.step,
                "seconds": self.seconds,
                "finished": self.finished,
                "running": self.running,
                "counted": self.counted,
                "validated": self.validated,
                "slices": self.slices,
                "record": self.record,
                "network": self.network.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "average": self.average.weights if self.average else None,
            },
        )

    def _resume(self) -> None:
        state = load_checkpoint(self.checkpoint, self.fingerprint, self.images_sha256)
        load_state(self.network, state["network"], self.checkpoint)
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.average:
            self.average.load(state["average"])
        for key in ("step", "seconds", "finished", "record"):
            setattr(self, key, state[key])
        for key, unknown in {"running": 0.0, "counted": 0, "validated": self.step}.items():
            setattr(self, key, state.get(key, unknown))  # which older checkpoints do not say
        self.slices = state.get("slices", UNKNOWN)


def completed_run(out: Path, fingerprint: str) -> dict[str, Any] | None:
    """The record of a finished run in ``out``, or None where there is none.

    Raises:
        NormeqError: the folder holds another finished run, or weights that are not those of its record.
    """
    if not (out / "run.json").exists() or not (out / "model.safetensors").exists():
        return None
    run = read_json(out / "run.json")
    warn_of_broken(out / "run.json")
    if not isinstance(run, dict):
        raise NormeqError(f"{out / 'run.json'}: not the record of a run; delete it to train again")
    if run.get("fingerprint") != fingerprint:
        raise NormeqError(
            f"{out}: holds another run (network, recipe, seed or data differ); choose another --out folder"
        )
    if run.get("weights_sha256") != provenance.file_sha256(out / "model.safetensors"):
        raise NormeqError(
            f"{out}/model.safetensors: not the weights that run.json records; delete it to train again"
        )
    return run


def _hash_images(images: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for image in images:
        digest.update(repr(image.shape).encode())
        digest.update(image.tobytes())
    return digest.hexdigest()
