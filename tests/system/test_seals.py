"""Seals: damage of a file is noticed, and a file without one is taken as it is."""

import pytest

from normeq.errors import NormeqError
from normeq.system.seals import is_intact, refuse_broken, seal, seal_file, unseal, warn_of_broken
from normeq.training.checkpoint import save_checkpoint


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "part.csv"
    path.write_text("psnr\n28.91\n")
    return path


def test_one_digit_is_noticed(file, caplog):
    seal(file)
    refuse_broken(file)
    file.write_text("psnr\n38.91\n")
    assert not is_intact(file)
    with pytest.raises(NormeqError, match=r"part.csv: edited or damaged .*: delete it, .* delete .*\.sha256"):
        refuse_broken(file)
    warn_of_broken(file)
    warn_of_broken(file)
    assert len(caplog.messages) == 1 and "part.csv: edited, replaced or damaged" in caplog.text
    unseal(file)
    refuse_broken(file)


@pytest.mark.parametrize("content", [b"", b"no hash", b"\xff\xfe", b"0" * 63])
def test_a_seal_that_is_none_says_nothing(file, content):
    seal_file(file).write_bytes(content)
    assert is_intact(file)


def test_no_file_and_no_seal_say_nothing(tmp_path, file):
    assert is_intact(file) and is_intact(tmp_path / "missing")
    seal(file)
    file.unlink()
    assert is_intact(file)


def test_a_checkpoint_keeps_its_seal_when_the_next_one_fails(tmp_path):
    file = tmp_path / "checkpoint.pt"
    save_checkpoint(file, {"step": 1})
    with pytest.raises(TypeError):
        save_checkpoint(file, {"step": open(__file__)})
    assert is_intact(file)
    file.write_bytes(file.read_bytes()[:-1])
    assert not is_intact(file)
