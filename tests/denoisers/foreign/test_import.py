"""The command: files in every envelope, files that are wrong, and what is written."""

import argparse
import csv
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

import normeq
from normeq.cli import app
from normeq.denoisers import pretrained as trained
from normeq.denoisers.foreign.layouts import all_layouts
from normeq.denoisers.foreign.levels import check_level, level_of
from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.experiment.read import read_experiment
from normeq.system.provenance import file_sha256
from tests.denoisers.foreign import reference as r
from tests.denoisers.foreign.cases import BY_NAME
from tests.synthetic_networks import save_small

ROOT = Path(__file__).parents[3]
CASE = BY_NAME["dncnn5_gray"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(content, name="x.pth"):
    torch.save(content, name)
    return name


def run(*arguments):
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def line(result):
    """The error of a command."""
    assert result.exit_code != 0 and isinstance(result.exception, NormeqError), result.output
    text = str(result.exception)
    assert "\n" not in text
    return text


ENVELOPES = {
    "bare": lambda s: s,
    "state_dict": lambda s: {"epoch": 3, "state_dict": s, "best": 29.1},
    "params": lambda s: {"params": s},
    "model": lambda s: {"model": s, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "groups": []}},
    "mohan": lambda s: {
        "step": 1, "model": [s], "score": np.float64(2.5), "args": argparse.Namespace(bias=False, lr=1e-3),
        "optimizer": [{"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.ones(3)}}}],
    },
    "DataParallel": lambda s: {f"module.{k}": v for k, v in s.items()},
    "compiled": lambda s: {f"_orig_mod.{k}": v for k, v in s.items()},
    "both": lambda s: {"state_dict": {f"module._orig_mod.{k}": v for k, v in s.items()}},
    "Lightning": lambda s: {"state_dict": {f"denoiser.net.{k}": v for k, v in s.items()}},
    "Lightning, model": lambda s: {"state_dict": {f"model.{k}": v for k, v in s.items()}},
    "beside numbers": lambda s: s | {"epoch": 5},
    "half precision": lambda s: {k: v.half() if v.is_floating_point() else v for k, v in s.items()},
}  # fmt: skip


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("name", ["dncnn5_gray", "drunet_gray_map_scale", "mohan_gray_scale"])
def test_envelopes_and_prefixes(name, envelope):
    case = BY_NAME[name]
    network = normeq.import_weights(write(ENVELOPES[envelope](case.state())))
    state = {k: v.half().float() if "half" in envelope else v for k, v in case.state().items()}
    y = torch.rand(1, 1, 12, 16)
    torch.testing.assert_close(
        network(y, case.sigma), case.forward(state, y, case.sigma), rtol=1e-4, atol=1e-5
    )


def test_safetensors_and_old_files():
    state = CASE.state()
    save_file(state, "x.safetensors")
    torch.save(state, "old.pth", _use_new_zipfile_serialization=False)
    norm = {k: v for k, v in BY_NAME["dncnn_norm_gray"].state().items() if "num_batches" not in k}
    y = torch.rand(1, 1, 12, 16)
    for name in ("x.safetensors", "old.pth"):
        torch.testing.assert_close(normeq.import_weights(name)(y), r.kair_dncnn(state, y, None))
    torch.testing.assert_close(
        normeq.import_weights(write(norm))(y), r.kair_dncnn(norm, y, None), rtol=1e-4, atol=1e-5
    )


def test_what_is_saved():
    result = run(write(CASE.state(), "dncnn_25.pth"), "--out", "nets/mine-25")
    assert result.exit_code == 0, result.output
    for word in (
        "kair-dncnn",
        "ordinary",
        "5 layers of 6 channels",
        "gray",
        "blind",
        "25 (by the file's name)",
    ):
        assert word in result.output
    about = trained.description("nets/mine-25")
    assert about["imported"] == {
        "file": "dncnn_25.pth", "sha256": file_sha256("dncnn_25.pth"), "layout": "kair-dncnn", "member": "",
        "train_sigma": "25",
    }  # fmt: skip
    opened = open_denoiser("nets/mine-25", torch.device("cpu"))
    assert opened.labels == {"network": "mine-25", "variant": "ordinary", "train_sigma": "25", "seed": ""}
    assert opened.batched and opened.differentiable and len(opened.weights) == 8
    assert run("dncnn_25.pth", "--out", "flat.safetensors", "--sigma", "0-55").exit_code == 0
    assert open_denoiser("flat.safetensors", torch.device("cpu")).train_sigma == "0-55"
    assert trained.description("flat.safetensors")["network"]["name"] == "flat"


def test_existing_networks_need_force():
    write(CASE.state())
    assert run("x.pth", "--out", "net").exit_code == 0
    before = file_sha256("net/model.safetensors")
    assert "is there already; replace it with --force" in line(run("x.pth", "--out", "net"))
    write(BY_NAME["mohan_gray_scale"].state())
    assert "is there already" in line(run("x.pth", "--out", "net"))
    assert file_sha256("net/model.safetensors") == before
    assert run("x.pth", "--out", "net", "--force").exit_code == 0
    assert trained.description("net")["imported"]["layout"] == "mohan-dncnn"


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("a b", "letters, digits"),
        ("x=y", "letters, digits"),
        (".", "letters, digits"),
        ("fdncnn-norm-sigma25", "a trained network|name of a trained network"),
        ("net.pth", "without suffix"),
        ("note", "it is a file"),
        ("run", "folder of a training run"),
        ("run/model.safetensors", "folder of a training run"),
        ("note/net", "cannot write"),
    ],
)
def test_names_that_cannot_be(out, words, here):
    write(CASE.state())
    (here / "note").write_text("x")
    save_small(here / "run" / "model.safetensors", "norm")
    (here / "run" / "run.json").write_text("{}")
    before = file_sha256("run/model.safetensors")
    with pytest.raises(NormeqError, match=words):
        normeq.import_weights("x.pth", out, force=True)
    assert file_sha256("run/model.safetensors") == before


def test_the_file_itself_is_not_replaced():
    save_file(CASE.state(), "x.safetensors")
    assert "it is the file to import" in line(run("x.safetensors", "--out", "x.safetensors", "--force"))


def without(state, key):
    return {k: v for k, v in state.items() if k != key}


def broken(name, change):
    state = BY_NAME[name].state()
    return change(state)


WRONG = {
    "a tensor is missing": (
        lambda: without(CASE.state(), "model.4.bias"), r"model\.4\.bias \(6,\) is missing"),
    "the first is missing": (
        lambda: without(CASE.state(), "model.0.weight"), r"model\.0\.weight is missing: is the file trunc"),
    "the last is missing": (
        lambda: {k: v for k, v in CASE.state().items() if "model.8" not in k},
        r"model\.0\.weight \(6, 1, 3, 3\) and model\.6\.weight \(6, 6, 3, 3\)"),
    "one too many": (
        lambda: CASE.state() | {"model.9.weight_g": torch.ones(2)}, r"model\.9\.weight_g \(2,\) has no "),
    "another shape": (
        lambda: CASE.state() | {"model.2.weight": torch.ones(6, 6, 5, 5)},
        r"model\.2\.weight has shape \(6, 6, 5, 5\), expected \(6, 6, 3, 3\)"),
    "no kernel": (lambda: CASE.state() | {"model.0.weight": torch.ones(6)}, r"model\.0\.weight|model\.3"),
    "another task": (
        lambda: r.stack("model", 4, 3, 5, 6) | {"model.8.weight": torch.ones(2, 6, 3, 3)}, "another task"),
    "another network": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(3, 3)).state_dict(),
        r"0\.weight \(2, 1, 3, 3\) and 3 more tensors fit no known layout \(kair-ffdnet"),
    "NaN": (
        lambda: CASE.state() | {"model.2.bias": torch.full((6,), torch.nan)}, r"model\.2\.bias holds NaN"),
    "complex": (lambda: CASE.state() | {"model.2.bias": torch.ones(6) * 1j}, "no plain tensor of real"),
    "U-Net without its middle": (
        lambda: {k: v for k, v in BY_NAME["drunet_gray_map_scale"].state().items() if "body" not in k},
        r"m_body\.0\. is missing"),
    "U-Net without an end": (
        lambda: without(BY_NAME["drunet_gray_map_scale"].state(), "m_tail.weight"), r"m_tail\.weight is mis"),
    "U-Net with less blocks": (
        lambda: without(BY_NAME["authors_drunet_gray_map_norm"].state(), "m_up.0.2.sum.alpha"),
        r"m_up\.0\.2\.sum\.alpha \(1,\) is missing"),
    "prefixed": (
        lambda: {f"net.{k}": v for k, v in without(CASE.state(), "model.4.bias").items()},
        r"net\.model\.4\.bias \(6,\) is missing"),
    "bias-free with some biases": (
        lambda: BY_NAME["mohan_gray_scale"].state() | {"last_layer.bias": torch.ones(1)},
        r"last_layer\.bias \(1,\) has no place"),
    "no tensors": (lambda: {"a": 1, "b": [2, 3]}, "holds no state dict"),
    "one tensor": (lambda: torch.ones(3), "holds no state dict"),
    "optimiser": (lambda: {"state": {0: {"exp_avg": torch.ones(3)}}}, "holds no state dict"),
    "two variants": (
        BY_NAME["authors_fdncnn_gray_blind_norm"].state, "scale or norm alike.*with --variant scale or norm"),
    "several": (
        lambda: {str(i): CASE.state() for i in range(25)}, r"holds 25 state dicts: .*member: 0, 1, 2, …, 24"),
    "averaged beside": (
        lambda: {"params": CASE.state(), "params_ema": CASE.state()}, "--member: params, params_ema"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name, here):
    make, words = WRONG[name]
    write(make())
    with pytest.raises(NormeqError, match=words) as error:
        normeq.import_weights("x.pth", "net")
    assert str(error.value).startswith("x.pth: ") and "\n" not in str(error.value)
    assert sorted(p.name for p in here.iterdir()) == ["x.pth"]


class Trap:
    """What a malicious file would hold."""

    def __reduce__(self):
        return (open, ("caught", "w"))


def cut(name, keep):
    content = open(write(CASE.state(), name), "rb").read()
    return content[: int(len(content) * keep)]


FILES = {
    "empty": (lambda: b"", "the file is empty"),
    "half": (lambda: cut("y.pth", 0.5), "truncated"),
    "nearly whole": (lambda: cut("y.pth", 0.99), "truncated"),
    "page": (lambda: b"\n<!DOCTYPE html><html>404", "a web page, not weights"),
    "pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
    "text": (lambda: b"these are no weights at all, but some text", "truncated, or no file of torch.save"),
    "noise": (lambda: bytes(range(256)) * 9, "truncated, or no file of torch.save"),
    "half safetensors": (lambda: b'\x40\x00\x00\x00\x00\x00\x00\x00{"a": ', "damaged safetensors"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_weights(name, here):
    make, words = FILES[name]
    content = make()
    (here / "y.pth").unlink(missing_ok=True)
    (here / "x.pth").write_bytes(content)
    assert words in line(run("x.pth", "--out", "net"))
    assert sorted(p.name for p in here.iterdir()) == ["x.pth"]


@pytest.mark.parametrize(
    "content",
    [nn.Conv2d(1, 1, 3), {"state_dict": CASE.state(), "hook": Trap()}, {"epoch": 1, "net": nn.ReLU()}],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_never_run(content, zipped, here):
    torch.save(content, "x.pth", _use_new_zipfile_serialization=zipped)
    text = line(run("x.pth", "--out", "net"))
    assert "holds code" in text and "torch.save(model.state_dict(), FILE)" in text
    assert sorted(p.name for p in here.iterdir()) == ["x.pth"]


def test_plain_pickles_are_code_too():
    with open("x.pth", "wb") as handle:
        pickle.dump({"hook": Trap()}, handle, protocol=4)
    assert "holds code" in line(run("x.pth", "--out", "net"))


def test_script_modules_are_code_too():
    torch.jit.trace(nn.Conv2d(1, 1, 3), torch.rand(1, 1, 8, 8)).save("x.pth")
    assert "holds code" in line(run("x.pth", "--out", "net"))


def test_folders_and_missing_files(here):
    (here / "folder").mkdir()
    assert "is a folder" in line(run("folder", "--out", "net"))
    assert "no such file" in line(run("none.pth", "--out", "net"))


def test_members():
    torch.save({str(i): r.stack("model", 1, 1, 7, 4) for i in range(25)}, "ircnn_gray.pth")
    assert run("ircnn_gray.pth", "--out", "net", "--member", "12").exit_code == 0
    about = trained.description("net")["imported"]
    assert (about["layout"], about["member"], about["train_sigma"]) == ("kair-ircnn", "12", "26")
    assert "no member '25': choose from 0, 1, 2" in line(
        run("ircnn_gray.pth", "--out", "b", "--member", "25")
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--layout", "kair"), "unknown layout 'kair': choose one of kair-ffdnet"),
        (("--layout", "mohan-dncnn"), "fit no known layout (mohan-dncnn)"),
        (("--layout", "kair-fdncnn"), "its keys are those of kair-fdncnn"),
        (("--variant", "scale"), "has biases, it is 'ordinary'"),
        (("--variant", "wrapped"), "choose ordinary, scale or norm"),
        (("--sigma", "x"), "as 25 or 0-55"),
        (("--sigma", "55-0"), "as 25 or 0-55"),
        (("--sigma", "300"), "as 25 or 0-55"),
    ],
)
def test_options_that_contradict_the_file(options, words, here):
    assert words in line(run(write(CASE.state()), "--out", "net", *options))
    assert not (here / "net").exists()


@pytest.mark.parametrize(
    ("layout", "file", "member", "level"),
    [
        ("kair-dncnn", "dncnn_15.pth", "", "15"),
        ("kair-dncnn", "DnCNN_50.pth", "", "50"),
        ("kair-dncnn", "dncnn_gray_blind.pth", "", "0-55"),
        ("kair-dncnn", "dncnn_color_blind.pth", "", "0-55"),
        ("kair-dncnn", "dncnn3.pth", "", ""),
        ("kair-dncnn", "17.pth", "", ""),
        ("kair-fdncnn", "fdncnn_gray_clip.pth", "", "0-75"),
        ("kair-ffdnet", "ffdnet_color.pth", "", "0-75"),
        ("kair-drunet", "drunet_gray.pth", "", "0-50"),
        ("kair-drunet", "drunet_deblocking_color.pth", "", ""),
        ("kair-ircnn", "ircnn_gray.pth", "0", "2"),
        ("kair-ircnn", "ircnn_gray.pth", "24", "50"),
        ("kair-ircnn", "ircnn_gray.pth", "", ""),
        ("authors-fdncnn", "fdncnn_norm_equiv_sigma25_blind.pth", "", "25"),
        ("authors-drunet", "drunet_norm_equiv_noisemap.pth", "", ""),
        ("mohan-dncnn", "0-10.pt", "model/0", "0-10"),
        ("mohan-dncnn", "range_0_100.pt", "", "0-100"),
        ("deepinv-dncnn", "dncnn_sigma2_gray.pth", "", "2"),
        ("deepinv-dncnn", "ckp_99.pth", "", ""),
    ],
)
def test_the_level_of_training_by_the_name(layout, file, member, level, here):
    assert level_of(layout, here / file, member) == level
    assert not level or check_level(level) == level


@pytest.mark.parametrize("name", ["x.pth", "sub/x.pt", "x.ckpt"])
def test_foreign_weights_named_as_a_denoiser_point_here(name, here):
    (here / "sub").mkdir()
    write(CASE.state(), name)
    for arguments in (
        ["evaluate", "noise-levels", name, "--datasets", "set12", "--sigmas", "25", "--out", "o.csv"],
        ["certify", name, "--out", "o.csv"],
    ):
        text = line(CliRunner().invoke(app, arguments))
        assert f"`normeq import {name} --out NAME`" in text
    with pytest.raises(NormeqError, match="normeq import"):
        normeq.load(name)
    with pytest.raises(NormeqError, match="none.pth: no such file"):
        normeq.load("none.pth")
    save_file(CASE.state(), "y.safetensors")
    with pytest.raises(NormeqError, match="normeq import y.safetensors"):
        normeq.load("y.safetensors")


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
