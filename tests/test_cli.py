"""The command line as a user meets it: one clear line and a non-zero exit status for every mistake."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from normeq import __version__, cli

RUN = {
    "network": {"name": "small", "architecture": "fdncnn", "depth": 3, "channels": 4},
    "variant": "norm",
    "dataset": "skimage-train",
    "sigma": 25,
    "seed": 0,
    "recipe": {"steps": 2, "batch": 1, "patch": 16},
}


@pytest.fixture
def normeq(monkeypatch, capsys):
    """Call the command in this process: exit status, standard output, standard error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["normeq", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code or 0, *capsys.readouterr()

    return call


def test_version_and_help(normeq):
    assert normeq("--version") == (0, __version__ + "\n", "")
    assert "Train one network" in normeq("train", "--help")[1]


def test_the_protocol_card(normeq):
    status, text, _ = normeq("protocol")
    assert status == 0 and text.startswith("| | `paper` | `kair` |")
    assert "| output | clipped to [0,1], not rounded | clipped to [0,1] and rounded to 8 bits |" in text
    assert "kair" not in normeq("protocol", "paper")[1]


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys, normeq.cli; print(sorted({'torch', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_installed_command():
    found = subprocess.run(
        [sys.executable, "-m", "normeq.cli", "collect", "out.csv", "missing.csv"],
        capture_output=True,
        text=True,
    )
    assert (found.returncode, found.stderr) == (2, "normeq: error: missing.csv: no such file\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nothing.yaml", "--out", "x"], "nothing.yaml: No such file"),
        (["train", "{'variant': [", "--out", "x"], "inline JSON is not YAML or JSON"),
        (["train", json.dumps(RUN | {"variant": "affine"}), "--out", "x"], "unknown variant 'affine'"),
        (["train", json.dumps(RUN | {"sigma": -5}), "--out", "x"], "sigma must lie between 0 and 255"),
        (["train", json.dumps(RUN | {"sigma": "x"}), "--out", "x"], "sigma must be a number, or a range"),
        (["train", json.dumps(RUN | {"sigma": [5]}), "--out", "x"], "sigma must be a number, or a range"),
        (["train", json.dumps(RUN | {"sigma": None}), "--out", "x"], "sigma must be a number, or a range"),
        (["train", json.dumps(RUN | {"variant": ["norm"]}), "--out", "x"], "variant must be a name"),
        (["train", json.dumps(RUN | {"network": 3}), "--out", "x"], "network must be a mapping"),
        (
            ["train", json.dumps(RUN | {"network": RUN["network"] | {"depth": "5"}}), "--out", "x"],
            "network: depth must be a whole number above 0, not '5'",
        ),
        (
            ["train", json.dumps(RUN | {"network": RUN["network"] | {"name": "../a"}}), "--out", "x"],
            "'../a' cannot be that of a folder",
        ),
        (["train", json.dumps(RUN | {"dataset": "set13"}), "--out", "x"], "set13"),
        (["train", json.dumps(RUN), "--out", "x", "--data-dir", "empty"], "normeq data get skimage-train"),
        (["train", json.dumps(RUN), "--out", "x", "--device", "tpu9"], "unknown device 'tpu9'"),
        (
            ["evaluate", "noise-levels", "x", "--datasets", "set12", "--sigmas", -1, "--out", "t.csv"],
            "sigmas[0]: -1.0 must be above 0",
        ),
        (
            ["evaluate", "noise-levels", "x", "--datasets", "set12", "--sigmas", 25, "--out", "t.csv"],
            "no trained network is called 'x': choose from",
        ),
        (
            ["evaluate", "noise-levels", "./x/y", "--datasets", "set12", "--sigmas", 25, "--out", "t.csv"],
            "x/y/model.safetensors: no such file; train the network first",
        ),
        (
            ["evaluate", "intervals", "x", "--datasets", "set12", "--interval", "1", "--out", "t.csv"],
            "--interval: expected 2 numbers separated by commas, got '1'",
        ),
        (
            "evaluate noise-levels x --datasets set12 --sigmas 25 --protocol matlab --out t.csv".split(),
            "unknown protocol 'matlab': choose from paper, kair",
        ),
        (["table", "protocols", "none.csv", "--out-dir", "."], "no such table: none.csv"),
        (
            "evaluate protocols x --datasets set12 --sigmas 0 --out t.csv".split(),
            "sigmas[0]: 0.0 must be above 0",
        ),
        (["protocol", "matlab"], "unknown protocol 'matlab'"),
        (["collect", "t.csv", "missing.csv"], "missing.csv: no such file"),
        (["metrics", "missing.csv", "--out", "m.json"], "missing.csv"),
        (
            ["train", json.dumps(RUN | {"recipe": RUN["recipe"] | {"lr": "1e-4"}}), "--out", "x"],
            "recipe: lr must be a number above 0 and below 10, not '1e-4' (YAML reads 1e-3 as text",
        ),
        (
            ["train", json.dumps(RUN | {"recipe": RUN["recipe"] | {"steps": "1e3"}}), "--out", "x"],
            "recipe: steps must be a whole number of at least 1, not '1e3' (YAML reads 1e-3 as text",
        ),
        (
            ["train", json.dumps(RUN | {"sigma": "2.5e1"}), "--out", "x"],
            "not '2.5e1' (YAML reads 1e-3 as text",
        ),
        (["train", json.dumps(RUN | {"dataset": 2024}), "--out", "x"], "dataset must be a name, not 2024"),
        *(
            (
                ["train", json.dumps(RUN), "--out", "x", "--device", name],
                f"unknown device '{name}': choose auto, cpu",
            )
            for name in ("mps", "xpu", "meta", "cuda:", "cuda:-1", "cpu:0", "gpu")
        ),
        (["denoise", "", "--out", "o"], "an argument is empty: is a variable of the shell not set?"),
        (["denoise", "a.png", "--out", ""], "an argument is empty"),
        (
            "evaluate examples x --image set12/01 --crop 0,0,9 --sigmas 25 --out keep.png".split(),
            "keep.png: a zip of arrays is written here: name a file that ends in .npz",
        ),
        ("evaluate gallery x --datasets set12 --sigmas 25 --out keep.csv".split(), "ends in .npz"),
        (
            "evaluate filters x --image d/a --crop 0,0,9 --sigmas 25 --pixel 1,1 --out keep".split(),
            "ends in .npz",
        ),
        (
            "evaluate interval-pictures x --image d/a --crop 0,0,9 --interval=0,1 --out keep.png".split(),
            "ends in .npz",
        ),
        ("evaluate noise-levels x --datasets set12 --sigmas 25 --out keep.png".split(), "ends in .csv"),
        ("evaluate intervals x --datasets set12 --interval=0,1 --out keep.npz".split(), "ends in .csv"),
        ("evaluate heatmap x --datasets set12 --scale 1 --shift 0 --out keep".split(), "ends in .csv"),
        (
            "evaluate tuning x --datasets set12 --sigmas 9 --scale 1 --shift 0 --out keep".split(),
            "ends in .csv",
        ),
        ("evaluate protocols x --datasets set12 --sigmas 25 --out keep.npz".split(), "ends in .csv"),
        (
            "certify x --out keep.json".split(),
            "keep.json: a table is written here: name a file that ends in .csv",
        ),
        ("collect keep.png part.csv".split(), "keep.png: a table is written here"),
        ("metrics missing.csv --out keep.csv".split(), "keep.csv: JSON is written here"),
        ("claims t.csv --config c.yaml --out keep.csv".split(), "keep.csv: JSON is written here"),
        ("report keep.png --config c.yaml".split(), "keep.png: HTML is written here"),
        (
            "run-card run --noise-levels t.csv --config c.yaml --out keep.html".split(),
            "Markdown is written here",
        ),
        (["nothing"], "No such command 'nothing'; see `normeq --help`"),
        (["train", "--nothing"], "No such option: --nothing"),
        (["evaluate", "noise-levels", "x", "--sigmas", "abc"], "Invalid value for '--sigmas'"),
        (["table", "variance"], "Missing argument 'NOISE_LEVELS.CSV'; see `normeq table variance --help`"),
    ],
)
def test_mistakes_are_one_line(normeq, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, errors = normeq(*arguments)
    assert status == 2
    assert errors.startswith("normeq: error: ") and errors.count("\n") == 1
    assert message in errors
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_group_without_a_command_shows_its_help(normeq):
    status, shown, errors = normeq("evaluate")
    assert status == 2 and "noise-levels" in shown + errors and "Traceback" not in shown + errors


def test_an_interrupt_is_one_line(normeq, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("normeq.imaging.cli.get_protocol", interrupt)
    assert normeq("protocol", "paper") == (130, "", "normeq: interrupted\n")


def test_a_device_or_folder_is_not_replaced_by_a_file(normeq, tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "part.csv").write_text("network,image\na,1\n")
    for out, why in ((tmp_path / "pipe", "not a regular file"), (tmp_path, "a folder")):
        status, _, errors = normeq("collect", out, tmp_path / "part.csv")
        assert status == 2 and errors == f"normeq: error: cannot write {out}: it is {why}; name a file\n"
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run.json", "{}", "the record of a run: name its folder, "),
        ("checkpoint.pt", "PK", "the checkpoint of a run: complete it"),
        ("x.pth", "PK", "weights of another program; `normeq import"),
        ("weights", "PK\3\4", "weights of another program"),
        ("page.bin", "<!DOCTYPE html>", "a web page, not weights"),
        ("den.py", "def f(n, s): return n", "a Python file: name a function or network in it, NAME="),
        ("table.csv", "a,b", "no weights of ours: name a run folder"),
        ("page.safetensors", "<html>", "page.safetensors: truncated, or not a safetensors file"),
    ],
)
def test_a_file_that_is_no_denoiser_is_called_what_it_is(normeq, tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    status, _, errors = normeq(
        "evaluate", "noise-levels", tmp_path / name, "--datasets", "set12", "--sigmas", 25,
        "--out", tmp_path / "t.csv",
    )  # fmt: skip
    assert status == 2 and errors.startswith(f"normeq: error: {tmp_path / name}: ".rstrip(": "))
    assert words in errors and errors.count("\n") == 1


def test_a_folder_without_a_registry_is_a_data_set(normeq, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for k, name in enumerate(("s1/img.png", "s2/img.png")):
        (tmp_path / "mine" / name).parent.mkdir(parents=True)
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (20, 24), dtype=np.uint8)).save(
            tmp_path / "mine" / name
        )
    (tmp_path / "den.py").write_text("def f(noisy, sigma): return noisy\n")
    status, _, errors = normeq(
        "evaluate", "noise-levels", "x=den.py:f", "--datasets", "./mine", "--sigmas", 25, "--out", "t.csv"
    )
    assert (status, errors) == (0, "")
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [(row["dataset"], row["image"]) for row in rows] == [("mine", "s1/img"), ("mine", "s2/img")]
    assert rows[0]["psnr"] != rows[1]["psnr"]
    (tmp_path / "other" / "mine").mkdir(parents=True)
    (tmp_path / "other" / "mine" / "a.png").write_bytes((tmp_path / "mine" / "s1" / "img.png").read_bytes())
    status, _, errors = normeq(
        "evaluate", "noise-levels", "x=den.py:f", "--datasets", "./mine", "--datasets", "./other/mine",
        "--sigmas", 25, "--out", "u.csv",
    )  # fmt: skip
    assert status == 2 and "./mine and ./other/mine are both called mine" in errors


def test_a_data_folder_of_ones_own_needs_no_manifest(normeq, tmp_path, monkeypatch):
    """Its missing files.csv was blamed on the output."""
    monkeypatch.chdir(tmp_path)
    entry = {key: key for key in ("title", "origin", "terms", "redistribution", "place")}
    (tmp_path / "own" / "mine").mkdir(parents=True)
    (tmp_path / "own" / "datasets.yaml").write_text(
        json.dumps({"mine": entry | {"kind": "manual", "files": None}})
    )
    assert normeq("data", "list", "--data-dir", "own")[0] == 0
    arguments = [
        "evaluate",
        "noise-levels",
        "fdncnn-norm-sigma25",
        "--data-dir",
        "own",
        "--sigmas",
        25,
        "--out",
        "o.csv",
    ]
    assert normeq(*arguments, "--datasets", "mine")[2].startswith(
        "normeq: error: no images in own/mine: place it by hand"
    )
    (tmp_path / "own" / "datasets.yaml").write_text(json.dumps({"mine": entry | {"kind": "dvc", "files": 3}}))
    errors = normeq(*arguments, "--datasets", "mine")[2]
    assert "own/files.csv: no such file" in errors and "cannot write" not in errors
