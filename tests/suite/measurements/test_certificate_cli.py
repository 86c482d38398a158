"""``normeq certify``: the command, and mistakes in it."""

import csv

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from normeq import cli
from normeq.equivariance.changes import changes
from normeq.suite.formats.table import markdown
from normeq.suite.measurements.certificate import COLUMNS
from normeq.suite.measuring.batches import Image
from normeq.suite.tables import certificate as table
from tests.synthetic_denoisers import write_own
from tests.synthetic_networks import save_small

CLEAN = np.random.default_rng(0).random((24, 20)).astype(np.float32)


@pytest.fixture
def normeq(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["normeq", "certify", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code or 0, *capsys.readouterr()

    return call


def test_command(normeq, tmp_path, monkeypatch):
    gray = np.full((40, 30), 0.5, dtype=np.float32)
    monkeypatch.setattr(
        "normeq.suite.measuring.defects.find_image",
        lambda name, size, _: Image(*name.split("/"), gray, size),
    )
    out = tmp_path / "e" / "certificate.csv"
    arguments = [
        str(save_small(tmp_path / "norm" / "model.safetensors", "norm").parent),
        f"blur={write_own(tmp_path)}:blur",
        "--image",
        "d/a",
        "--image",
        "d/b",
        "--size",
        20,
    ]
    status, said, _ = normeq(
        *arguments, "--out", out, "--table-dir", tmp_path / "t", "--dtype", "float32", "--dtype", "bfloat16",
        "--scale", 2, "--shift", 1, "--device", "cpu",
    )  # fmt: skip
    assert status == 0 and "blur: does not compute in bfloat16, left out" in said
    with open(out, newline="") as handle:
        found = list(csv.DictReader(handle))
    assert list(found[0]) == COLUMNS and len(found) == 3 * 2 * (len(changes([2], [1])) + 8)
    assert {(row["dataset"], row["image"]) for row in found} == {("d", "a"), ("d", "b")} and {
        row["device"] for row in found
    } == {"cpu"}
    assert sorted(path.name for path in (tmp_path / "t").glob("[!.]*")) == [
        f"certificate.{s}" for s in ("csv", "md", "tex")
    ]
    assert list(pd.read_csv(tmp_path / "t" / "certificate.csv")["joint"].fillna("")) == ["yes", "", "yes"]


def test_the_published_metric_over_a_data_set(normeq, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "normeq.suite.measuring.defects.find_image",
        lambda name, size, _: Image(*name.split("/"), CLEAN, size),
    )
    monkeypatch.setattr("normeq.suite.measuring.batches.image_files", lambda datasets, folder: [])
    images = [("set12", "01", CLEAN), ("set12", "02", CLEAN[::-1].copy())]
    monkeypatch.setattr("normeq.suite.measuring.batches.test_images", lambda datasets, folder: images)
    out = tmp_path / "certificate.csv"
    asked = "--image d/a --size 16 --dtype float64 --dtype float32 --device cpu --published-datasets set12"
    arguments = (
        f"square={write_own(tmp_path)}:square",
        *asked.split(),
        "--published-sigmas",
        5,
        "--out",
        out,
    )
    assert normeq(*arguments)[0] == 0
    status, said, _ = normeq(*arguments, "--published-sigmas", 95)
    assert status == 0 and f"{2 * len(changes()) + 2 * 8} of them made before" in said
    found = pd.read_csv(out, dtype={"image": str})
    drawn = found[found["kind"] == "published"]
    assert set(drawn["dtype"]) == {"float32"} and len(drawn) == 2 * 2 * 8
    made = table.make(out)
    numbers = made.numbers.set_index("dtype")["published_metric"]
    assert numbers["float32"] == pytest.approx(drawn["relative"].mean()) and np.isnan(numbers["float64"])
    text = markdown(made)
    assert list(made.numbers["dtype"]) == ["float64", "float32"]  # whatever was measured at which level
    assert "Set12, 2 images, σ = 5 to 95 (2 levels)" in text and "σ = 25; d/a, middle 16×16 pixels" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--published-sigmas", "5"], "name the images too"),
        (["x", "--image", "set12/01", "--image", "set12/01"], "--image set12/01 is named twice"),
        (["x", "--published-datasets", "set12", "--dtype", "float64"], "is measured in float32"),
        (
            ["x", "--published-datasets", "d", "--published-sigmas", "0"],
            "published.sigmas[0]: 0.0 must be above 0",
        ),
        (["i=normeq.classical:tv", "--published-datasets", "nowhere", "--image", "set12/01"], "set12"),
        (["x", "--sigma", "-1"], "sigma: -1.0 must be above 0"),
        (["x", "--table-dir", "."], "the table would overwrite"),
        (["x", "--scale", "0"], "scales[0]: 0.0 must be above 0"),
        (["x", "--dtype", "float8"], "dtypes[0]: 'float8' is not one of float64"),
        (
            ["i=torch.nn:Identity", "--dtype", "tf32", "--device", "cpu"],
            "dtype tf32 exists on NVIDIA GPUs only",
        ),
        (["i=torch.nn:Identity", "i=torch.nn:Identity"], "denoiser i=torch.nn:Identity is named twice"),
        (["i=normeq.classical:tv", "--image", "camera"], "camera"),
        (["i=normeq.classical:nothing"], "denoiser i: cannot load"),
    ],
)
def test_mistakes_are_one_line(normeq, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, _, errors = normeq(*arguments, "--out", "certificate.csv")
    assert status == 2 and errors.startswith("normeq: error: ") and errors.count("\n") == 1
    assert message in errors
    assert not list(tmp_path.iterdir())


def test_the_table_is_not_written_over_what_is_reused(normeq, tmp_path):
    (tmp_path / "certificate.csv").write_text("measured before")
    for reuse in (tmp_path, tmp_path / "certificate.csv"):
        status, _, errors = normeq(
            "x", "--out", tmp_path / "new.csv", "--table-dir", tmp_path, "--reuse", reuse
        )
        assert status == 2 and "certificate.csv: it is read here; choose another place" in errors
    assert [file.read_text() for file in tmp_path.iterdir()] == ["measured before"]


def test_two_networks_of_one_name_are_refused(normeq, tmp_path):
    """Their rows could not be told apart."""
    one, other = (save_small(tmp_path / n / "model.safetensors", "norm").parent for n in ("a", "b"))
    network = load_file(other / "model.safetensors")
    with safe_open(other / "model.safetensors", "pt") as file:
        about = file.metadata()
    save_file({k: 2 * v for k, v in network.items()}, other / "model.safetensors", about)
    status, _, errors = normeq(one, other, "--out", tmp_path / "c.csv")
    assert status == 2 and f"the second is {other}: certify it by itself" in errors
    assert not (tmp_path / "c.csv").exists()
