"""Files that are wrong: one line each, and no code of theirs is run."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

import normeq
from normeq.cli import app
from normeq.errors import NormeqError
from tests.denoisers.foreign import reference as r
from tests.denoisers.foreign.cases import BY_NAME
from tests.denoisers.foreign.importing import CASE, line, run, without, write


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
    "quantized": (
        lambda: {k: (100 * v).to(torch.int8) for k, v in CASE.state().items()}, "holds int8, not float"),
    "one of integers": (
        lambda: CASE.state() | {"model.2.bias": torch.ones(6, dtype=torch.bool)}, "bias holds bool"),
    "above float32": (
        lambda: CASE.state() | {"model.2.bias": torch.full((6,), 1e300, dtype=torch.float64)},
        r"model\.2\.bias holds NaN, infinity or numbers above"),
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
