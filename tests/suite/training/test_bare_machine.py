"""Training and measuring on a bare machine (docs/training.md says what it has), and training in processes."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from normeq.errors import install
from normeq.nn.weights import load_network
from tests import bare

TRAINER = (*bare.LIBRARY, "pillow", "pyyaml", "typer", "rich")
EVALUATOR = (*TRAINER, "jsonschema")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
EVALUATE = "evaluate noise-levels fdncnn-norm-sigma25 --datasets x --sigmas 5 --out x.csv".split()
SMALL = ["--device", "cpu", "--threads", 1]


@pytest.fixture
def run(tmp_path):
    """What to train: a network on three pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rows, columns = np.mgrid[:40, :48]
    for name, k in (("a", 3), ("b", 5), ("c", 9)):
        array = (127 + 100 * np.sin(rows / k) * np.cos(columns / (k + 2))).astype(np.uint8)
        Image.fromarray(array).save(folder / f"{name}.png")
    recipe = {"preset": "fast", "precision": "float32", "steps": 5, "batch": 4, "patch": 16, "holdout": 1}
    network = {"name": "small", "architecture": "fdncnn", "depth": 3, "channels": 8}
    labels = {"variant": "norm", "dataset": "./pictures", "sigma": [10, 30], "seed": 0}
    return {"network": network, **labels, "recipe": recipe}


def train(tmp_path, run, out, module="normeq", launcher=()):
    arguments = [module, "train", json.dumps(run), "--out", out, *SMALL]
    return bare.run(tmp_path, TRAINER, *arguments, launcher=launcher)


def weights(folder):
    return load_network(folder / "model.safetensors")[0].state_dict()


def test_one_process_and_two(tmp_path, run):
    """Two processes that share each batch end with the weights of one, to rounding."""
    alone = train(tmp_path, run, "alone")
    assert alone.returncode == 0, alone.stderr
    assert "5 steps" in alone.stdout
    group = train(tmp_path, run, "group", "normeq.cli", TORCHRUN)
    assert group.returncode == 0, group.stderr
    one, two = weights(tmp_path / "alone"), weights(tmp_path / "group")
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=1e-4, atol=1e-6)
    records = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("alone", "group")]
    assert [r["hardware"]["processes"] for r in records] == [1, 2]
    assert abs(records[0]["validation_psnr"] - records[1]["validation_psnr"]) < 1e-3


def test_mistakes_are_one_line(tmp_path, run):
    run["recipe"]["lr"] = -1
    result = train(tmp_path, run, "out")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("normeq: error: recipe: lr must be a number above 0")
    assert not (tmp_path / "out").exists()


def test_measuring(tmp_path, run):
    assert train(tmp_path, run, "run").returncode == 0
    rows = {}
    for kind, extra in (
        ("noise-levels", ["--sigmas", 10, "--sigmas", 25]),
        ("intervals", ["--interval=0,1", "--interval=-1,1"]),
    ):
        arguments = ["evaluate", kind, "run", "--datasets", "./pictures", "--out", f"{kind}.csv", *extra]
        result = bare.run(tmp_path, EVALUATOR, "normeq", *arguments, *SMALL)
        assert result.returncode == 0, result.stderr
        rows[kind] = (tmp_path / f"{kind}.csv").read_text().splitlines()
        assert "6 measurements, 0 of them" in result.stdout
    assert len(rows["noise-levels"]) == len(rows["intervals"]) == 7


@pytest.mark.parametrize(
    ("present", "arguments", "package"),
    [
        (bare.LIBRARY, ["train", "x", "--out", "y"], "typer"),
        (bare.LIBRARY, ["--help"], "typer"),
        (TRAINER, EVALUATE, "jsonschema"),
        (TRAINER, ["table", "matched-noise", "x.csv", "--out-dir", "y"], "pandas"),
    ],
)
def test_a_missing_package_is_one_line(tmp_path, present, arguments, package):
    result = bare.run(tmp_path, present, "normeq", *arguments)
    wanted = f"the Python package {package} is not installed, which this needs: {install('suite')}"
    assert (result.returncode, result.stderr) == (2, f"normeq: error: {wanted}\n")
    assert not (tmp_path / "y").exists() and not (tmp_path / "x.csv").exists()
