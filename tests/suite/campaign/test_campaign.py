"""``normeq campaign`` from the command line: networks of a config, trained in slices and measured."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from normeq.nn.weights import load_network

RECIPE = {"preset": "fast", "precision": "float32", "batch": 4, "patch": 16, "holdout": 1}


@pytest.fixture
def folder(tmp_path):
    """A folder with images and a config of two networks, the second with variants and a recipe of its own."""
    (tmp_path / "data" / "pictures").mkdir(parents=True)
    entry = {"title": "Three pictures", "kind": "manual", "files": None, "origin": "here", "terms": "any"}
    entry |= {"redistribution": "any", "place": "put them there", "notes": ""}
    registry = {"pictures": entry, "others": entry}
    (tmp_path / "data" / "datasets.yaml").write_text(yaml.safe_dump(registry))
    rows, columns = np.mgrid[:40, :48]
    for name, k in (("a", 3), ("b", 5), ("c", 9)):
        array = (127 + 100 * np.sin(rows / k) * np.cos(columns / (k + 2))).astype(np.uint8)
        Image.fromarray(array).save(tmp_path / "data" / "pictures" / f"{name}.png")
    write(tmp_path, steps=4)
    return tmp_path


def write(folder, steps):
    network = {"architecture": "fdncnn", "channels": 8}
    config = {
        "experiment": "small",
        "networks": [
            {"name": "first", "depth": 3, **network},
            {"name": "second", "depth": 2, **network, "variants": ["norm"], "recipe": {"store": "float16"}},
        ],
        "variants": ["ordinary"],
        "train": {"dataset": "pictures", "sigmas": [25], "recipe": RECIPE | {"steps": steps}},
        "evaluate": {"noise_levels": {"datasets": ["pictures"], "sigmas": [25]}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def campaign(folder, *options):
    words = [sys.executable, "-m", "normeq", "campaign", "config.yaml", "--device", "cpu", *options]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)


def runs(folder):
    return {path.name.split("-")[0]: path for path in (folder / "results/runs").iterdir()}


def test_trains_in_order_then_measures_and_then_has_nothing_to_do(folder):
    result = campaign(folder)
    assert result.returncode == 0, result.stderr
    begun = [line.split()[1] for line in result.stdout.splitlines() if line.endswith("begins")]
    assert [name.split("-")[0] for name in begun] == ["first", "second"] * 2
    found = runs(folder)
    records = {name: json.loads((path / "run.json").read_text())["spec"] for name, path in found.items()}
    assert records["first"]["variant"] == "ordinary" and records["second"]["variant"] == "norm"
    assert records["second"]["recipe"]["store"] == "float16" and "store" not in records["first"]["recipe"]
    for path in found.values():
        [part] = (path / "parts").glob("noise_levels-*.csv")
        assert len(part.read_text().splitlines()) == 4
    # Half precision halves the file, and the constraint holds as exactly.
    network = load_network(found["second"] / "model.safetensors")[0]
    weight = network.layers[0].weight
    assert weight.dtype == torch.float32 and (weight.half().float() == weight).all()
    assert (network.layers[0].kernel.sum(dim=(1, 2, 3)) - 1).abs().max() < 1e-6
    again = campaign(folder)
    assert again.returncode == 0 and "begins" not in again.stdout


def test_goes_on_where_it_was_stopped(folder):
    write(folder, steps=60)
    whole = folder / "whole"
    shutil.copytree(folder / "data", whole / "data")
    shutil.copy(folder / "config.yaml", whole)
    assert campaign(whole, "--no-measure", "--threads", "1").returncode == 0

    words = [sys.executable, "-m", "normeq", "campaign", "config.yaml", "--device", "cpu", "--no-measure"]
    process = subprocess.Popen([*words, "--threads", "1"], cwd=folder, stdout=subprocess.PIPE, text=True)
    log = folder / "results/runs"
    end = time.monotonic() + 120
    while not list(log.glob("first-*/train.jsonl")) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130 and "The same command goes on" in out
    assert campaign(folder, "--no-measure", "--threads", "1").returncode == 0
    for name, path in runs(folder).items():
        assert (path / "model.safetensors").read_bytes() == (
            runs(whole)[name] / "model.safetensors"
        ).read_bytes()


def test_a_stop_while_networks_are_trained_begins_no_measurement(folder):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["networks"][1]["recipe"]["steps"] = 1_000_000
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    words = [sys.executable, "-m", "normeq", "campaign", "config.yaml", "--device", "cpu", "--threads", "1"]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while not list((folder / "results/runs").glob("second-*/train.jsonl")) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130 and out.count("begins") == 2, out
    # Both the training and the measurement of the one that is trained.
    assert "Still to be done: second-" in out and "measurements of small. The same command goes on" in out


def test_measurements_for_which_no_time_is_left_are_still_to_be_done(folder):
    assert campaign(folder, "--no-measure").returncode == 0
    result = campaign(folder, "--minutes", "0.01")
    last = result.stdout.splitlines()[-1]  # (one may have begun)
    assert result.returncode == 130 and last.count("measurements of small") == 2, result.stdout


def test_missing_data_is_said_before_anything_begins(folder):
    (folder / "config.yaml").write_text(
        (folder / "config.yaml").read_text().replace("dataset: pictures", "dataset: others")
    )
    result = campaign(folder)
    assert result.returncode == 2 and not (folder / "results").exists()
    assert result.stderr.splitlines() == [
        "normeq: error: data sets are not in place: run `normeq data get others`"
    ]
