"""Trainer and evaluator on a bare machine, and the trainer in several processes."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import torch
import yaml
from skimage.io import imsave

from normeq.nn.weights import load_network

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
# A data set of three pictures in place of one of the registry, and an importer that finds no more than the
# bare machine has.
PRELUDE = """
import runpy, sys
import numpy as np

ABSENT = set("typer rich pandas snakemake dvc pooch matplotlib seaborn jinja2 jsonschema".split())

class Bare:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in ABSENT else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Bare, sys.meta_path)
from normeq.training import loop
rows, columns = np.mgrid[:40, :48]
images = [(127 + 100 * np.sin(rows / k) * np.cos(columns / (k + 2))).astype(np.uint8) for k in (3, 5, 9)]
loop._read_images = lambda dataset, data_dir: (images, ["a", "b", "c"], {})
loop.pin = lambda dataset, data_dir: "pin"
module = sys.argv.pop(1)
sys.argv[0] = module
runpy.run_module(module, run_name="__main__")
"""
RUN = {
    "network": {"name": "small", "architecture": "fdncnn", "depth": 3, "channels": 8},
    "variant": "norm",
    "dataset": "pictures",
    "sigma": [10, 30],
    "seed": 0,
    "recipe": {"preset": "fast", "precision": "float32", "steps": 5, "batch": 4, "patch": 16, "holdout": 1},
}


def bare(tmp_path, module, *arguments, launcher=()):
    script = tmp_path / "bare.py"
    script.write_text(textwrap.dedent(PRELUDE))
    return subprocess.run(
        [sys.executable, *launcher, str(script), module, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        timeout=240,
    )


def start(tmp_path, out, launcher=(), run=RUN):
    settings = ["--out", out, "--device", "cpu", "--threads", 1]
    return bare(tmp_path, "normeq.training", json.dumps(run), *settings, launcher=launcher)


def weights(folder):
    return load_network(folder / "model.safetensors")[0].state_dict()


def test_bare_machine_and_several_processes(tmp_path):
    """One process, and two that share each batch, end with the same weights to rounding."""
    alone = start(tmp_path, tmp_path / "alone")
    assert alone.returncode == 0, alone.stderr
    assert "5 steps" in alone.stdout
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    team = start(tmp_path, tmp_path / "team", launcher)
    assert team.returncode == 0, team.stderr
    one, two = weights(tmp_path / "alone"), weights(tmp_path / "team")
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=1e-4, atol=1e-6)
    records = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("alone", "team")]
    assert [r["hardware"]["processes"] for r in records] == [1, 2]
    assert abs(records[0]["validation_psnr"] - records[1]["validation_psnr"]) < 1e-3


def test_mistakes_are_one_line(tmp_path):
    wrong = RUN | {"recipe": RUN["recipe"] | {"lr": -1}}
    result = start(tmp_path, tmp_path / "out", run=wrong)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("normeq: error: recipe: lr must be a number above 0")
    assert not (tmp_path / "out").exists()


def test_evaluator_on_a_bare_machine(tmp_path):
    assert start(tmp_path, tmp_path / "run").returncode == 0
    data = tmp_path / "data"
    (data / "photos").mkdir(parents=True)
    entry = {"kind": "manual", "title": "Photos", "version": 1, "origin": "here", "terms": "none"}
    entry |= {"redistribution": "none", "place": "put them there", "files": 1}
    (data / "datasets.yaml").write_text(yaml.safe_dump({"photos": entry}))
    (data / "files.csv").write_bytes((ROOT / "data" / "files.csv").read_bytes())
    imsave(data / "photos" / "a.png", np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8))
    places = ["--data-dir", data, "--device", "cpu", "--threads", 1]
    rows = {}
    for kind, extra in (
        ("noise-levels", ["--sigmas", 10, 25]),
        ("intervals", ["--interval=0,1", "--interval=-1,1"]),
    ):
        out = tmp_path / f"{kind}.csv"
        arguments = [kind, tmp_path / "run", "--datasets", "photos", "--out", out, *extra]
        result = bare(tmp_path, "normeq.suite.measurements", *arguments, *places)
        assert result.returncode == 0, result.stderr
        rows[kind] = out.read_text().splitlines()
        assert "2 measurements, 0 of them" in result.stdout
    assert len(rows["noise-levels"]) == len(rows["intervals"]) == 3
    wrong = bare(tmp_path, "normeq.suite.measurements", "noise-levels", tmp_path / "none", "--datasets", "set12",
                 "--sigmas", 5, "--out", tmp_path / "x.csv")  # fmt: skip
    assert wrong.returncode == 2 and len(wrong.stderr.splitlines()) == 1 and "no such file" in wrong.stderr
