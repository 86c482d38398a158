"""The command: files in every envelope, the names of networks, and what is written."""

import argparse

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import normeq
from normeq.denoisers import pretrained as trained
from normeq.denoisers.foreign.levels import check_level, level_of
from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from normeq.system.provenance import file_sha256
from tests.denoisers.foreign import reference as r
from tests.denoisers.foreign.cases import BY_NAME
from tests.denoisers.foreign.importing import CASE, line, run, write
from tests.synthetic_networks import save_small

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


def test_members():
    torch.save({str(i): r.stack("model", 1, 1, 7, 4) for i in range(25)}, "ircnn_gray.pth")
    assert run("ircnn_gray.pth", "--out", "net", "--member", "12").exit_code == 0
    about = trained.description("net")["imported"]
    assert (about["layout"], about["member"], about["train_sigma"]) == ("kair-ircnn", "12", "26")
    assert "no member '25': choose from 0, 1, 2" in line(
        run("ircnn_gray.pth", "--out", "b", "--member", "25")
    )


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
