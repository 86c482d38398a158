"""The training loop: learns, resumes bit by bit, stops cleanly, refuses what is broken."""

import itertools
import json
import os
import signal
import time

import numpy as np
import pytest
import torch

from normeq.errors import NormeqError
from normeq.nn.weights import load_network
from normeq.training import loop
from normeq.training.images import LoadedImages, TrainingImages
from normeq.training.loop import Interrupted
from normeq.training.spec import RunSpec

CPU = torch.device("cpu")


def spec(**recipe):
    return RunSpec.from_dict(
        {
            "network": {"name": "small", "architecture": "fdncnn", "depth": 3, "channels": 4},
            "variant": "norm",
            "dataset": "pictures",
            "sigma": 25,
            "seed": 0,
            "recipe": {"steps": 12, "batch": 2, "patch": 16, "lr": 0.01, "holdout": 1} | recipe,
        }
    )


GIVEN: dict[str, list] = {}


def train(spec, out, names="abc", left_out=None, **settings):
    """Train on the pictures of the fixture."""
    images = TrainingImages("pin", lambda: LoadedImages(GIVEN["images"], list(names), left_out or {}))
    return loop.train(spec, out, images, **settings)


@pytest.fixture(autouse=True)
def pictures(monkeypatch):
    """Three smooth pictures."""
    torch.set_num_threads(1)
    rows, columns = np.mgrid[:40, :48]
    images = [(127 + 100 * np.sin(rows / k) * np.cos(columns / (k + 2))).astype(np.uint8) for k in (3, 5, 9)]
    monkeypatch.setitem(GIVEN, "images", images)
    return images


def weights(folder):
    return load_network(folder / "model.safetensors")[0].state_dict()


def stop_after(step, signum=signal.SIGTERM):
    def progress(done, part, record):
        if done == step:
            os.kill(os.getpid(), signum)

    return progress


def test_training_lowers_the_loss(tmp_path):
    run = train(spec(steps=150), tmp_path, device=CPU)
    log = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert np.mean([r["loss"] for r in log[-20:]]) < 0.5 * log[0]["loss"]
    assert log[-1]["pixels"] == run["pixels"] == 150 * 2 * 16 * 16
    assert run["validation_psnr"] == log[-1]["validation_psnr"] > 20.5  # noisy: 20.2 dB


RECIPES = {
    "adam": {},
    "fast": {"preset": "fast", "steps": 12, "warmup": 3, "batch": 2, "patch": 16, "average": 0.5},
}


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("recipe", RECIPES)
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, signum, recipe):
    wide = {"name": "wide", "architecture": "fdncnn", "depth": 4, "channels": 8}
    run = RunSpec.from_dict(
        spec().to_dict()
        | {"network": wide, "recipe": RECIPES[recipe] or {"steps": 12, "batch": 2, "patch": 16}}
    )
    train(run, tmp_path / "whole", device=CPU)
    with pytest.raises(Interrupted, match="step 5 "):
        train(run, tmp_path / "stopped", device=CPU, progress=stop_after(5, signum))
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    moved = tmp_path / "another machine" / "run"
    moved.parent.mkdir()
    (tmp_path / "stopped").rename(moved)
    train(run, moved, device=CPU)
    moved.rename(tmp_path / "stopped")
    whole, stopped = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(whole[key], stopped[key]) for key in whole)
    steps = [
        json.loads(line)["step"] for line in (tmp_path / "stopped" / "train.jsonl").read_text().splitlines()
    ]
    assert steps == list(range(1, 13))


def test_the_log_of_a_resumed_run_is_that_of_an_uninterrupted_one(tmp_path):
    """A line is the mean loss of three steps; validations fall due between lines."""
    run = spec(steps=600, batch=1, patch=8, lr=0.001, validate_every=52)

    def log(out):
        lines = map(json.loads, (tmp_path / out / "train.jsonl").read_text().splitlines())
        return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]

    train(run, tmp_path / "whole", device=CPU)
    for step in (53, 104):
        with pytest.raises(Interrupted):
            train(run, tmp_path / "stopped", device=CPU, progress=stop_after(step))
    train(run, tmp_path / "stopped", device=CPU)
    assert log("stopped") == log("whole") and len(log("whole")) == 200
    assert sum("validation_psnr" in line for line in log("whole")) == 12


def test_the_record_says_what_each_slice_was_made_by(tmp_path, monkeypatch):
    out, revisions = tmp_path / "run", iter("abbc")
    with monkeypatch.context() as patched:
        patched.setattr(loop.provenance, "git_revision", lambda: next(revisions))
        for step in (3, 5, 8):
            with pytest.raises(Interrupted):
                train(spec(), out, device=CPU, progress=stop_after(step))
        record = train(spec(), out, device=CPU)
    assert [(one["from_step"], one["revision"]) for one in record["slices"]] == [(0, "a"), (3, "b"), (8, "c")]
    assert record["revision"] == "c" and record["slices"][0]["hardware"] == record["hardware"]
    assert json.loads((out / "run.json").read_text())["slices"] == record["slices"]
    assert "slices" not in train(spec(), tmp_path / "whole", device=CPU)


def test_a_run_whose_files_are_written_elsewhere_was_made_where_its_steps_were(tmp_path, monkeypatch):
    """Killed between the last step and run.json; only the files are written on the other machine."""

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(loop.Run, "save_weights", killed)
        with pytest.raises(KeyboardInterrupt):
            train(spec(), tmp_path, device=CPU)
    hardware = loop.provenance.hardware(CPU)
    monkeypatch.setattr(loop.provenance, "hardware", lambda device: hardware | {"cpu": "another"})
    monkeypatch.setattr(loop.provenance, "git_revision", lambda: "later")
    record = train(spec(), tmp_path, device=CPU)
    assert record["hardware"]["cpu"] == hardware["cpu"] and record["revision"] != "later"
    assert record["steps"] == 12 and "slices" not in record


def test_resume_after_a_kill_drops_lines_past_the_checkpoint(tmp_path):
    with pytest.raises(Interrupted):
        train(spec(), tmp_path, device=CPU, progress=stop_after(5))
    with open(tmp_path / "train.jsonl", "a") as log:
        log.write('{"step": 6, "loss": 1}\n{"step": 7, "lo')
    train(spec(), tmp_path, device=CPU)
    steps = [json.loads(line)["step"] for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 13))


def test_a_checkpoint_of_other_images_is_refused(tmp_path, pictures):
    with pytest.raises(Interrupted):
        train(spec(), tmp_path, device=CPU, progress=stop_after(5))
    pictures[1][3, 4] += 1
    with pytest.raises(NormeqError, match="checkpoint.pt: was trained on other images"):
        train(spec(), tmp_path, device=CPU)
    pictures[1][3, 4] -= 1
    assert train(spec(), tmp_path, device=CPU)["steps"] == 12


def test_one_training_at_a_time_in_a_folder(tmp_path):
    refused = []

    def second(done, part, record):
        if done == 3:
            with pytest.raises(NormeqError, match="another process is training there") as caught:
                train(spec(), tmp_path, device=CPU)
            refused.append(caught.value)

    train(spec(), tmp_path, device=CPU, progress=second)
    assert len(refused) == 1
    lines = [json.loads(line)["step"] for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert lines == list(range(1, 13))
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.safetensors", "run.json", "train.jsonl", "checkpoint.pt",
        ".run.json.sha256", ".train.jsonl.sha256", ".checkpoint.pt.sha256",
    }  # fmt: skip


def test_finished_run_is_left_alone(tmp_path):
    first = train(spec(), tmp_path, device=CPU)
    before = (tmp_path / "model.safetensors").stat().st_mtime_ns
    assert train(spec(), tmp_path, device=CPU) == first
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == before


def test_finished_run_whose_outputs_were_removed_comes_back_from_the_checkpoint(tmp_path):
    first = train(spec(), tmp_path, device=CPU)
    (tmp_path / "run.json").unlink()
    (tmp_path / "model.safetensors").unlink()

    def no_step(*_):
        raise AssertionError("trained again")

    assert train(spec(), tmp_path, device=CPU, progress=no_step)["weights_sha256"] == first["weights_sha256"]


def test_folder_of_another_run_is_refused(tmp_path):
    train(spec(), tmp_path, device=CPU)
    with pytest.raises(NormeqError, match="holds another run"):
        train(spec(lr=0.02), tmp_path, device=CPU)


def test_changed_weights_are_noticed(tmp_path):
    train(spec(), tmp_path, device=CPU)
    weights_file = tmp_path / "model.safetensors"
    weights_file.write_bytes(weights_file.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(NormeqError, match="not the weights that run.json records"):
        train(spec(), tmp_path, device=CPU)


@pytest.mark.parametrize("keep", [0, 100, -50])
def test_truncated_checkpoint(tmp_path, keep):
    with pytest.raises(Interrupted):
        train(spec(), tmp_path, device=CPU, progress=stop_after(5))
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:keep])
    with pytest.raises(NormeqError, match="checkpoint.pt: truncated, or not a checkpoint"):
        train(spec(), tmp_path, device=CPU)
    assert checkpoint.exists()


def test_checkpoint_of_another_run(tmp_path):
    with pytest.raises(Interrupted):
        train(spec(), tmp_path, device=CPU, progress=stop_after(5))
    with pytest.raises(NormeqError, match="checkpoint.pt: belongs to another run"):
        train(spec(lr=0.02), tmp_path, device=CPU)


def test_diverging_run_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(loop.LOSSES, "mse", lambda output, clean: output.mean() * float("inf"))
    with pytest.raises(NormeqError, match="no longer finite at step 1; lower the learning rate"):
        train(spec(), tmp_path, device=CPU)


def test_a_run_that_its_last_step_spoils_says_so(tmp_path, monkeypatch):
    deep = {"name": "deep", "architecture": "fdncnn", "depth": 20, "channels": 8}
    run = RunSpec.from_dict(spec(steps=1, lr=5.0).to_dict() | {"network": deep})
    with pytest.raises(NormeqError, match="the output is no longer finite at step 1; lower the learning"):
        train(run, tmp_path / "output", device=CPU)
    step = torch.optim.Adam.step

    def spoil(self):
        step(self)
        self.param_groups[0]["params"][0].data[0] = float("nan")

    monkeypatch.setattr(torch.optim.Adam, "step", spoil)
    with pytest.raises(NormeqError, match="the weights are no longer finite at step 1; lower the learning"):
        train(spec(steps=1, holdout=0), tmp_path / "weights", device=CPU)
    for out in ("output", "weights"):
        assert not (tmp_path / out / "model.safetensors").exists()


def test_budget_ends_in_time_with_the_schedule_run_down(tmp_path):
    seen = []
    minutes = 1.5 / 60
    start = time.monotonic()
    run = train(
        spec(steps=None, max_minutes=minutes, schedule="linear"),
        tmp_path,
        device=CPU,
        progress=lambda step, done, record: seen.append(done),
    )
    assert time.monotonic() - start < 60 * minutes + 5  # the machine may be busy, but not for hours
    assert run["seconds"] <= 60 * minutes * 1.5
    assert seen == sorted(seen) and seen[-1] == 1 and seen[-2] < 1 and run["steps"] == len(seen)
    log = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == run["steps"] and log[-1]["lr"] < 0.2 * log[0]["lr"]


def test_budget_counts_all_slices(tmp_path, monkeypatch):
    """A clock that gains a second per look: stopped and resumed, the run takes as long as in one go."""
    ticks = itertools.count()
    monkeypatch.setattr(loop.time, "monotonic", lambda: float(next(ticks)))
    recipe = {"steps": None, "max_minutes": 2.0}
    whole = train(spec(**recipe), tmp_path / "whole", device=CPU)
    with pytest.raises(Interrupted):
        train(spec(**recipe), tmp_path / "sliced", device=CPU, progress=stop_after(5))
    sliced = train(spec(**recipe), tmp_path / "sliced", device=CPU)
    assert whole["seconds"] <= 120 and sliced["seconds"] <= 120
    assert abs(whole["steps"] - sliced["steps"]) <= 3


def test_average_follows_the_weights(tmp_path):
    plain = train(spec(), tmp_path / "plain", device=CPU)
    averaged = train(spec(average=0.9), tmp_path / "averaged", device=CPU)
    assert plain["weights_sha256"] != averaged["weights_sha256"]
    state = torch.load(tmp_path / "averaged" / "checkpoint.pt", weights_only=True)
    last = weights(tmp_path / "plain")
    assert all(torch.equal(state["network"][key], last[key]) for key in last)  # the same training
    assert all(torch.equal(state["average"][key], v) for key, v in weights(tmp_path / "averaged").items())


@pytest.mark.parametrize("mode", ["aot_eager"])
def test_compiled_training_is_the_same_to_rounding(tmp_path, monkeypatch, mode):
    compiled = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda net, mode, dynamic: compiled(net, backend=mode, fullgraph=True)
    )
    mapped = {"name": "mapped", "architecture": "fdncnn", "depth": 4, "channels": 4, "noise_map": True}
    run = RunSpec.from_dict(spec().to_dict() | {"network": mapped, "sigma": [10, 30]})
    train(run, tmp_path / "eager", device=CPU)
    train(run, tmp_path / "compiled", device=CPU, compile_mode=mode)
    eager, found = weights(tmp_path / "eager"), weights(tmp_path / "compiled")
    for key in eager:
        torch.testing.assert_close(found[key], eager[key], rtol=1e-3, atol=1e-5)


def test_a_run_computes_alike_whoever_starts_it_and_leaves_no_trace(tmp_path):
    """On a GPU without TF32; subnormal numbers are 0. What the caller had set comes back."""
    cuda, cudnn, found = torch.backends.cuda.matmul, torch.backends.cudnn, {}

    def settings():
        subnormal = (torch.tensor([1e-38]) / 10).item()
        return cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, subnormal == 0

    def choose(matmul, convolution, benchmark, flushed):
        cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = matmul, convolution, benchmark
        torch.set_flush_denormal(flushed)

    before = settings()
    try:
        for number, mine in enumerate(((True, True, False, False), (False, False, True, True))):
            choose(*mine)
            out = tmp_path / str(number)
            train(spec(), out, device=CPU, progress=lambda *_: found.update(inside=settings()))
            assert found["inside"] == (False, False, True, True) and settings() == mine
    finally:
        choose(*before)


def test_images_smaller_than_a_patch_are_said_and_counted(tmp_path, pictures, caplog):
    pictures.insert(0, pictures[0][:12])
    run = train(spec(), tmp_path, ["small", "a", "b", "c"], {".npy": 2}, device=CPU)
    assert [record.getMessage() for record in caplog.records] == [
        "pictures: 1 of 4 images are smaller than a patch of 16×16 pixels and are not trained on: small"
    ]
    data = json.loads((tmp_path / "run.json").read_text())["data"]
    assert (data["images"], data["smaller_than_patch"], data["left_out"]) == (4, 1, {".npy": 2})
    assert data == run["data"] and data["values"] == [
        min(i.min() for i in pictures),
        max(i.max() for i in pictures),
    ]


def test_validations_without_held_out_images_are_said_to_be_none(tmp_path, caplog):
    run = train(spec(holdout=0, validate_every=3), tmp_path / "none", device=CPU)
    assert [record.getMessage() for record in caplog.records] == [
        "recipe: validate_every has no effect: holdout is 0, so there is nothing to validate on"
    ]
    assert run["validation_psnr"] is None
    caplog.clear()
    train(spec(validate_every=3), tmp_path / "some", device=CPU)
    assert not caplog.records


def test_nothing_left_to_train_on_is_said_as_it_is(tmp_path):
    with pytest.raises(NormeqError, match="holdout 3 leaves none of the 3 images"):
        train(spec(holdout=3), tmp_path, device=CPU)
    with pytest.raises(NormeqError, match="no training image is as large as a patch of 64×64"):
        train(spec(patch=64), tmp_path, device=CPU)
    (tmp_path / "file").write_text("")
    with pytest.raises(NormeqError, match="file: a file is there; --out names the folder"):
        train(spec(), tmp_path / "file", device=CPU)
