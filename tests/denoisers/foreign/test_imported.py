"""An imported network is one like others: measured, named in a config, documented."""

import csv
import json
import re

import pytest
import torch
import yaml
from typer.testing import CliRunner

import normeq
from normeq.cli import app
from normeq.denoisers import pretrained as trained
from normeq.denoisers.foreign.layouts import all_layouts
from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.experiment.read import read_experiment
from tests.denoisers.foreign.cases import BY_NAME
from tests.denoisers.foreign.importing import CASE, ROOT, run, write


@pytest.mark.parametrize("name", ["drunet_gray_map_scale", "authors_fdncnn_gray_map_norm", "ffdnet_gray"])
def test_it_is_measured_certified_and_a_row_of_the_tables(name):
    case = BY_NAME[name]
    arguments = [write(case.state()), "--out", "net", "--sigma", "0-50"]
    for key, value in case.asked:
        arguments += [f"--{key}", value]
    assert run(*arguments).exit_code == 0

    def do(*words):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == 0, result.exception
        return result.output

    do("data", "get", "skimage-test")
    do("evaluate", "noise-levels", "net", "--datasets", "skimage-test", "--images", 1, "--sigmas", 25,
       "--out", "o.csv")  # fmt: skip
    do("certify", "net", "--size", 32, "--dtype", "float64", "--out", "c.csv", "--table-dir", "tables")
    with open("tables/certificate.csv") as handle:
        (row,) = csv.DictReader(handle)
    assert (row["network"], row["variant"], row["train_sigma"]) == ("net", case.variant, "0-50")
    with open("c.csv") as handle:
        rows = [row for row in csv.DictReader(handle) if row["kind"] == "scale"]
    exact = all(float(row["relative"]) < 1e-10 for row in rows)
    assert exact == (case.variant != "ordinary")
    do("table", "generalisation", "o.csv", "--out-dir", "tables")
    assert "net" in open("tables/generalisation.csv").read()
    assert json.dumps(trained.description("net"))


def test_colour_networks_are_refused_where_images_are_gray():
    assert run(write(BY_NAME["ffdnet_color"].state()), "--out", "net").exit_code == 0
    assert normeq.load("net")(torch.rand(1, 3, 9, 8), 0.1).shape == (1, 3, 9, 8)
    with pytest.raises(NormeqError, match="net: takes images of 3 channels"):
        open_denoiser("net", torch.device("cpu"))


def experiment(here, monkeypatch, **changes):
    config = yaml.safe_load((ROOT / "config/default.yaml").read_text())
    config |= {"networks": [], "claims": []} | changes
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    monkeypatch.chdir(ROOT)
    return read_experiment(resolve_config(config, schema))


def test_a_config_names_their_folders(here, monkeypatch):
    write(CASE.state(), "dncnn_25.pth")
    for name in ("a/one", "a/two", "b/two"):
        assert run("dncnn_25.pth", "--out", name).exit_code == 0
    assert run(write(CASE.state()), "--out", "a/two", "--force").exit_code == 0  # of an unknown noise level
    found = experiment(here, monkeypatch, trained=[f"{here}/a/one", f"{here}/a/two"])
    assert found.denoisers["embedded/denoisers/one"] == f"{here}/a/one"
    assert found.is_network("embedded/denoisers/one") and len(found.parts("noise_levels")) == 2
    part = found.part("noise_levels", "embedded/denoisers/one")
    monkeypatch.chdir(here)
    normeq.import_weights(write(BY_NAME["mohan_gray_scale"].state()), "a/one", force=True)
    monkeypatch.chdir(ROOT)
    assert found.part("noise_levels", "embedded/denoisers/one") != part
    for trained_ones, words in (
        ([f"{here}/a/two", f"{here}/b/two"], "two networks are called two"),
        ([f"{here}/c"], "no trained network is called .* or one made by `normeq import`"),
    ):
        with pytest.raises(NormeqError, match=words):
            experiment(here, monkeypatch, trained=trained_ones)


def test_one_with_the_name_of_a_classical_denoiser_is_not_taken_for_it(here, monkeypatch):
    assert run(write(CASE.state(), "dncnn_25.pth"), "--out", "a/gaussian").exit_code == 0
    with pytest.raises(NormeqError, match="gaussian would be taken for the classical denoiser gaussian"):
        experiment(here, monkeypatch, trained=[f"{here}/a/gaussian"])
    evaluate = yaml.safe_load((ROOT / "config/default.yaml").read_text())["evaluate"]
    evaluate["certificate"]["classical"] = ["tv"]
    found = experiment(here, monkeypatch, trained=[f"{here}/a/gaussian"], evaluate=evaluate)
    assert found.measured["embedded/denoisers/gaussian"] == f"{here}/a/gaussian"


def test_the_example_of_the_documentation(here):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/import.md").read_text(), flags=re.S)
    write(BY_NAME["drunet_gray_map_scale"].state(), "drunet_gray.pth")
    scope: dict = {}
    exec(code, scope)
    assert scope["denoised"].shape == scope["noisy"].shape
    assert trained.description("drunet")["imported"]["train_sigma"] == "0-50"


def test_the_documentation_names_every_layout():
    named = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs/import.md").read_text(), flags=re.M)
    assert sorted(named) == sorted(layout.name for layout in all_layouts())
