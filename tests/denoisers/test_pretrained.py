"""Pretrained networks: what is loaded by name is what was trained and measured."""

import json
from pathlib import Path

import pytest
import torch
import yaml

import normeq
from normeq.denoisers import pretrained as trained
from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.experiment.read import read_experiment
from normeq.system.provenance import file_sha256
from tests.synthetic_networks import save_small

ROOT = Path(__file__).parents[2]
RECORDS = {
    record["weights_sha256"]: record
    for record in (json.loads(p.read_text()) for p in ROOT.glob("results/runs/*/run.json"))
}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Two trained networks, ``small-ordinary`` and ``small-norm``."""
    for variant in ("ordinary", "norm"):
        save_small(tmp_path / f"small-{variant}.safetensors", variant, "skimage-train")
    save_small(tmp_path / "copy.safetensors", "norm", "skimage-train")
    monkeypatch.setattr(trained, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", trained.names())
def test_each_is_the_network_of_a_recorded_run(name):
    record = RECORDS[file_sha256(trained.weights_file(name))]
    assert trained.description(name)["variant"] == record["spec"]["variant"]
    assert trained.weights_file(name).stat().st_size < 3_000_000
    y = torch.rand(1, 1, 16, 16)
    assert normeq.load(name)(y).shape == y.shape


def test_a_name_gives_the_network(shipped):
    assert trained.names() == ["copy", "small-norm", "small-ordinary"]
    network, y = normeq.load("small-norm"), torch.rand(1, 1, 16, 16)
    assert not network.training
    torch.testing.assert_close(network(40 * y + 10), 40 * network(y) + 10, rtol=1e-4, atol=1e-4)
    opened = open_denoiser("small-norm", torch.device("cpu"))
    assert (opened.network, opened.variant, opened.train_sigma) == ("small", "norm", "25")
    torch.testing.assert_close(opened(y, 0.1), network(y), rtol=1e-4, atol=1e-5)


def test_a_folder_and_a_file_do_too(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.safetensors").write_bytes((shipped / "small-ordinary.safetensors").read_bytes())
    y = torch.rand(1, 1, 16, 16)
    for name in ("run", str(run), "run/model.safetensors"):
        torch.testing.assert_close(normeq.load(name)(y), normeq.load("small-ordinary")(y))


def test_an_unknown_name_lists_the_known(shipped):
    with pytest.raises(NormeqError, match="no trained network is called 'big': choose from copy, small-norm"):
        normeq.load("big")


def experiment(**changes):
    config = yaml.safe_load((ROOT / "config/default.yaml").read_text())
    config |= {"trained": ["small-ordinary", "small-norm"], "claims": []} | changes
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    return read_experiment(resolve_config(config, schema))


def test_an_experiment_measures_them_beside_its_own(shipped, monkeypatch):
    monkeypatch.chdir(ROOT)
    found = experiment()
    assert found.denoisers["embedded/denoisers/small-norm"] == "small-norm"
    assert len(found.parts("noise_levels")) == 4 + 2
    for kind in ("examples", "filters", "heatmap"):
        assert [Path(part).parts[3] for part in found.parts(kind)] == ["small-ordinary", "small-norm"]
        assert len(experiment(shown="all").parts(kind)) == 4 + 2
    assert found.is_network("embedded/denoisers/small-norm")
    part = found.part("noise_levels", "embedded/denoisers/small-norm")
    (shipped / "small-norm.safetensors").write_bytes((shipped / "small-ordinary.safetensors").read_bytes())
    assert found.part("noise_levels", "embedded/denoisers/small-norm") != part


def test_they_need_no_training(shipped, monkeypatch):
    monkeypatch.chdir(ROOT)
    found = experiment(networks=[])
    assert not found.runs and len(found.parts("examples")) == 2 and found.compares_variants()
    assert not experiment(networks=[], trained=["small-norm"]).compares_variants()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"trained": ["small-wrapped"]},
            "trained: no trained network is called 'small-wrapped': choose from copy",
        ),
        ({"trained": ["small-norm", "copy"]}, "copy would be taken for small-norm|small-norm would be taken"),
        ({"denoisers": {"small-norm": "a:b"}}, "denoisers: small-norm is the name of a trained network"),
    ],
)
def test_mistakes_in_a_config_are_named(shipped, monkeypatch, changes, words):
    monkeypatch.chdir(ROOT)
    with pytest.raises(NormeqError, match=words):
        experiment(**changes)


def test_the_list_of_networks(shipped):
    from typer.testing import CliRunner

    from normeq.cli import app

    for number, recipe in enumerate(({"steps": 1}, {"max_minutes": 30.0, "preset": "fast"})):
        file = shipped / f"other{number}.safetensors"
        save_small(file, "scale", sigma=[0, 55] if number else 25.0, recipe=recipe)
    result = CliRunner().invoke(app, ["networks"])
    assert result.exit_code == 0, result.output
    assert "| small-norm | small | norm | 25 | skimage-train | 1 |" in result.output
    assert "| other1 | small | scale | 0-55 | d | 30 min |" in result.output
