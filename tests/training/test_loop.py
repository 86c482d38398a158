"""The training loop: learns, resumes bit by bit, stops cleanly, refuses what is broken."""

import json
import os
import signal

import numpy as np
import pytest
import torch

from normeq.errors import NormeqError
from normeq.training import loop
from normeq.training.loop import Interrupted, train
from normeq.training.patches import PatchSampler
from normeq.training.spec import RunSpec
from normeq.weights import load_network

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


@pytest.fixture(autouse=True)
def pictures(monkeypatch):
    """Three smooth pictures in place of a data set."""
    torch.set_num_threads(1)
    rows, columns = np.mgrid[:40, :48]
    images = [(127 + 100 * np.sin(rows / k) * np.cos(columns / (k + 2))).astype(np.uint8) for k in (3, 5, 9)]
    monkeypatch.setattr(loop, "_read_images", lambda dataset, data_dir: (images, ["a", "b", "c"]))
    monkeypatch.setattr(loop, "pin", lambda dataset, data_dir: "pin")
    return images


def weights(folder):
    return load_network(folder / "model.safetensors")[0].state_dict()


def stop_after(step, signum=signal.SIGTERM):
    def progress(done, record):
        if done == step:
            os.kill(os.getpid(), signum)

    return progress


def test_training_lowers_the_loss(tmp_path):
    run = train(spec(steps=150), tmp_path, device=CPU)
    log = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert np.mean([r["loss"] for r in log[-20:]]) < 0.5 * log[0]["loss"]
    assert log[-1]["pixels"] == run["pixels"] == 150 * 2 * 16 * 16
    assert run["validation_psnr"] == log[-1]["validation_psnr"] > 20.5  # noisy: 20.2 dB


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, signum):
    train(spec(), tmp_path / "whole", device=CPU)
    with pytest.raises(Interrupted, match="step 5 of 12"):
        train(spec(), tmp_path / "stopped", device=CPU, progress=stop_after(5, signum))
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    train(spec(), tmp_path / "stopped", device=CPU)
    whole, stopped = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(whole[key], stopped[key]) for key in whole)
    steps = [
        json.loads(line)["step"] for line in (tmp_path / "stopped" / "train.jsonl").read_text().splitlines()
    ]
    assert steps == list(range(1, 13))


def test_resume_after_a_kill_drops_lines_past_the_checkpoint(tmp_path):
    with pytest.raises(Interrupted):
        train(spec(), tmp_path, device=CPU, progress=stop_after(5))
    with open(tmp_path / "train.jsonl", "a") as log:
        log.write('{"step": 6, "loss": 1}\n{"step": 7, "lo')
    train(spec(), tmp_path, device=CPU)
    steps = [json.loads(line)["step"] for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 13))


def test_finished_run_is_left_alone(tmp_path):
    first = train(spec(), tmp_path, device=CPU)
    before = (tmp_path / "model.safetensors").stat().st_mtime_ns
    assert train(spec(), tmp_path, device=CPU) == first
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == before


def test_finished_run_whose_outputs_were_removed_comes_back_from_the_checkpoint(tmp_path):
    first = train(spec(), tmp_path, device=CPU)
    (tmp_path / "run.json").unlink()
    (tmp_path / "model.safetensors").unlink()

    def no_step(done, record):
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


def test_sampler_depends_on_seed_and_step_alone(pictures):
    one = PatchSampler(pictures, 16, 4, (25, 25), seed=3)
    other = PatchSampler(pictures, 16, 4, (25, 25), seed=3)
    for step in (0, 1, 2):
        one.draw(step, CPU)
    assert all(torch.equal(a, b) for a, b in zip(one.draw(7, CPU), other.draw(7, CPU), strict=True))
    assert not torch.equal(one.draw(7, CPU)[0], one.draw(8, CPU)[0])


def test_sampler_reaches_every_pixel_and_orientation():
    """Patches of a picture of distinct values: every crop position and each of the 8 orientations occurs."""
    image = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6)
    sampler = PatchSampler([image], 4, 200, (0, 0), seed=0)
    crops = (sampler.draw(0, CPU)[1][:, 0] * 255).round().int().numpy()
    corners = {(crop.min(), crop[0, 0] - crop.min(), crop[0, -1] - crop.min()) for crop in crops}
    assert {corner[0] for corner in corners} == {0, 1, 2, 6, 7, 8}
    assert len({corner[1:] for corner in corners}) == 8


def test_sampler_noise_levels(pictures):
    noisy, clean, sigma = PatchSampler(pictures, 32, 64, (10, 50), seed=0).draw(0, CPU)
    assert sigma.min() * 255 >= 10 and sigma.max() * 255 <= 50 and sigma.std() > 0
    measured = (noisy - clean).flatten(1).std(dim=1)
    torch.testing.assert_close(measured, sigma, rtol=0.15, atol=0)
    assert clean.min() >= 0 and clean.max() <= 1 and noisy.max() > clean.max()


def test_patch_larger_than_every_image(pictures):
    with pytest.raises(NormeqError, match="no training image is as large as a patch of 64×64"):
        PatchSampler(pictures, 64, 1, (25, 25), seed=0)
