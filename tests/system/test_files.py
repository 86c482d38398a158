"""Writing whole files: the file that failed is the one that is named."""

import errno
import os

import pytest

from normeq.errors import NormeqError
from normeq.system.files import atomic_path, check_suffix


def test_a_failed_reading_is_not_blamed_on_the_output(tmp_path):
    out = tmp_path / "new" / "out.csv"
    for other in (tmp_path / "missing.csv", tmp_path / "new" / "part.csv"):
        with pytest.raises(NormeqError) as refused, atomic_path(out):
            open(other)
        assert str(refused.value) == f"{other}: No such file or directory"
    with pytest.raises(NormeqError, match=f"^{out} was not written: a library's own words"), atomic_path(out):
        raise OSError("a library's own words")
    assert not list(out.parent.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG])
def test_a_failed_writing_is(tmp_path, number):
    out = tmp_path / "out.csv"
    with pytest.raises(NormeqError, match=f"^cannot write {out}: "), atomic_path(out):
        raise OSError(number, os.strerror(number))
    with pytest.raises(NormeqError, match=f"^cannot write {out}: "), atomic_path(out) as temporary:
        raise OSError(number, os.strerror(number), str(temporary))


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(NormeqError, match="^cannot write .*file/out.csv: "),
        atomic_path(tmp_path / "file" / "out.csv"),
    ):
        pass


def test_memory_that_runs_out_is_not_blamed_on_the_output(tmp_path):
    with pytest.raises(OSError), atomic_path(tmp_path / "out.csv"):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


def test_a_suffix_that_promises_something_else(tmp_path):
    check_suffix(tmp_path / "a.CSV", ".csv", "a table")
    for name in ("a.png", "a", "a.csv.gz"):
        with pytest.raises(
            NormeqError, match=f"{name}: a table is written here: name a file that ends in .csv"
        ):
            check_suffix(tmp_path / name, ".csv", "a table")
