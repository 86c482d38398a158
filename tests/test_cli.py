"""The command line as a user meets it: one clear line and a non-zero exit status for every mistake."""

import json
import subprocess
import sys

import pytest

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
        (["train", "{'variant': [", "--out", "x"], "inline JSON: not YAML or JSON"),
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
