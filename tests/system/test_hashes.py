"""Hashes of files: read once, and again whenever they may have changed."""

import hashlib
import os
import time

import pytest

from normeq.errors import NormeqError
from normeq.system import hashes


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    return path


def settle(path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: path.stat().st_ctime + 10)


def asked(path):
    return hashes.sha256_of([path])[path] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_settled_file_is_read_once(file, monkeypatch):
    settle(file, monkeypatch)
    assert asked(file)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert asked(file)


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("how", ["in place", "replaced"])
def test_the_same_size_and_time_do_not_hide_a_change(file, monkeypatch, settled, how):
    if settled:
        settle(file, monkeypatch)
    assert asked(file)
    times = file.stat().st_mtime_ns
    new = file if how == "in place" else file.with_name("b")
    new.write_bytes(b"4321")
    os.utime(new, ns=(times, times))
    new.replace(file)
    assert asked(file)


def test_a_cache_that_cannot_be_used_costs_time_only(file, monkeypatch):
    settle(file, monkeypatch)
    hashes.cache_file().parent.mkdir(parents=True)
    for content in ("", "[1]", '{"x": 3}', "\xff"):
        hashes.cache_file().write_text(content, encoding="latin-1")
        assert asked(file)
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))  # no folder
    assert asked(file)


def test_a_file_that_cannot_be_read_is_named(file):
    with pytest.raises(NormeqError, match="cannot read .*nothing: No such file"):
        hashes.sha256_of([file, file.with_name("nothing")])
