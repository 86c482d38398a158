"""Weights on disk: round trip, and every way in which a file can be wrong."""

import errno
import hashlib
import json
import os

import pytest
import torch
from safetensors.torch import save_file

from normeq.errors import NormeqError
from normeq.nn import build_network
from normeq.nn.weights import load_network, load_state, save_network
from normeq.system.files import atomic_path

NETWORK = {"name": "small", "architecture": "fdncnn", "depth": 3, "channels": 4}


@pytest.fixture
def saved(tmp_path):
    network = build_network("fdncnn", "norm", depth=3, channels=4)
    path = tmp_path / "model.safetensors"
    save_network(path, network, {"network": NETWORK, "variant": "norm"})
    return path, network


def test_round_trip(saved):
    path, network = saved
    loaded, description = load_network(path)
    y = torch.rand(1, 1, 9, 9)
    assert torch.equal(loaded(y), network(y))
    assert description["variant"] == "norm" and not loaded.training


def test_truncated(saved):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(NormeqError, match="model.safetensors: truncated"):
        load_network(path)


@pytest.mark.parametrize("content", [b"", b"hello, not weights", b"\xff" * 100])
def test_not_weights(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(NormeqError, match="truncated, or not a safetensors file"):
        load_network(path)


def test_missing(tmp_path):
    with pytest.raises(NormeqError, match="no such file; train the network first"):
        load_network(tmp_path / "model.safetensors")


def test_foreign_file(tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(NormeqError, match="carries no description"):
        load_network(tmp_path / "model.safetensors")


@pytest.mark.parametrize("description", ["no JSON", "{}", '{"network": {}, "variant": "norm"}', "[]"])
def test_damaged_description(tmp_path, description):
    save_file({"x": torch.zeros(2)}, tmp_path / "model.safetensors", metadata={"normeq": description})
    with pytest.raises(NormeqError, match="description of its network is damaged"):
        load_network(tmp_path / "model.safetensors")


def test_weights_of_another_network(saved):
    path, network = saved
    deeper = build_network("fdncnn", "norm", depth=4, channels=4)
    with pytest.raises(
        NormeqError, match=r"another network: layers\.4\.weight has shape \(1, 4, 3, 3\), expected"
    ):
        load_state(deeper, network.state_dict(), path)


def test_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(NormeqError, match="table.csv: the disk is full"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("in the way")
    with (
        pytest.raises(NormeqError, match="cannot write .*table.csv: "),
        atomic_path(tmp_path / "out" / "table.csv") as temporary,
    ):
        temporary.write_text("never")


def test_weights_can_be_read_by_whoever_may_read_other_files(tmp_path):
    network = build_network("fdncnn", "norm", depth=3, channels=4)
    save_network(tmp_path / "model.safetensors", network, {"network": {}, "variant": "norm"})
    (tmp_path / "other").touch()
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_weights_are_those_of_the_record_beside_them(saved):
    """One flipped bit is another weight, and no weight is wrong in itself."""
    path, _ = saved
    record = path.parent / "run.json"
    record.write_text(json.dumps({"weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}))
    load_network(path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(NormeqError, match="not the weights that .*run.json records; fetch them again"):
        load_network(path)
    for text in ("{", "[]", "{}", '{"weights_sha256": "short"}'):
        record.write_text(text)
        load_network(path)
