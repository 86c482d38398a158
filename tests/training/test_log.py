"""The log of a training: torn, damaged, on a full disk."""

import errno
import os

import pytest
import torch

from normeq.errors import NormeqError
from normeq.system.seals import seal
from normeq.training.checkpoint import load_checkpoint, save_checkpoint
from normeq.training.log import Log, open_log, read_log

LINES = '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n'


@pytest.mark.parametrize(
    "torn", [b'{"st', b"\xff\xfe", b"[1, 2]", b"7", b'{"step": "x", "loss": 1}', b'{"loss": 1}']
)
def test_what_is_no_line_ends_the_log(tmp_path, torn):
    path = tmp_path / "train.jsonl"
    path.write_bytes(LINES.encode() + torn)
    assert [line["loss"] for line in read_log(path)][:2] == [0.5, 0.25]
    with open_log(path, 1) as log:
        log.write('{"step": 2, "loss": 0.125}\n')
    assert [line["loss"] for line in read_log(path)] == [0.5, 0.125]


def test_a_changed_digit_is_told(tmp_path, caplog):
    path = tmp_path / "train.jsonl"
    path.write_text(LINES)
    seal(path)
    path.write_text(LINES.replace("0.25", "0.35"))
    assert len(read_log(path)) == 2 and "train.jsonl: edited, replaced or damaged" in caplog.text


def test_a_full_disk_is_one_line(tmp_path):
    class Full:
        def write(self, line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(NormeqError, match="cannot write .*train.jsonl: the disk is full"):
        with Log(tmp_path / "train.jsonl", Full()) as log:
            log.write("{}\n")


def test_a_checkpoint_with_a_flipped_bit_is_refused(tmp_path):
    """PyTorch reads it and says nothing."""
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"fingerprint": "f", "network": torch.zeros(1000)})
    assert load_checkpoint(path, "f")["network"].sum() == 0
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert torch.load(path, weights_only=True)["network"].any()
    with pytest.raises(NormeqError, match="checkpoint.pt: damaged since it was written; delete it to train"):
        load_checkpoint(path, "f")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x80\x02.", b"\x80", b"PK\x03\x04", b"(", b"a", b"\x80\x02}q\x00."], ids=repr
)
def test_what_is_no_checkpoint_is_one_line(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(NormeqError, match="checkpoint.pt: .*delete it to train from the start") as refused:
        load_checkpoint(path, "f")
    assert "\n" not in str(refused.value)
