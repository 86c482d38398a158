"""Writing whole files: the file that failed is the one that is named."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from normeq.errors import NormeqError
from normeq.system.files import atomic_path, begun, check_suffix, clear_left, refuse_inputs, remove_begun


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


def test_a_folder_that_cannot_be_written_names_the_file_that_was_asked_for(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / ".hidden"))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(NormeqError) as refused, atomic_path(tmp_path / "out.csv"):
        pass
    assert str(refused.value) == f"cannot write {tmp_path / 'out.csv'}: Read-only file system"


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


WRITER = """
import sys, time
from normeq.system.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def killed(out):
    """A process that has half written a file; the caller kills it."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(out)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    out = tmp_path / "out.csv"
    first, second = killed(out), killed(out)
    for process in (first, second):
        process.kill()
        process.wait()
    assert len(list(tmp_path.iterdir())) == 2
    with atomic_path(out) as temporary:
        assert temporary.read_text() == "" and list(tmp_path.iterdir()) == [temporary]
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"] and out.read_text() == "whole"


def test_what_another_process_is_writing_is_not(tmp_path):
    out = tmp_path / "out.csv"
    process = killed(out)
    try:
        [its] = tmp_path.iterdir()
        with atomic_path(out) as temporary:
            temporary.write_text("whole")
        assert its.read_text() == "half" and out.read_text() == "whole"
    finally:
        process.kill()
        process.wait()


def test_many_at_once_write_whole_files(tmp_path):
    """More than there are places; each text is one that was written."""
    out, texts, seen = tmp_path / "out.csv", [str(n) * 10_000 for n in range(10, 30)], []

    def write(text):
        for _ in range(20):
            with atomic_path(out) as temporary:
                temporary.write_text(text)
            seen.append(out.read_text())

    threads = [threading.Thread(target=write, args=[text]) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 400 and set(seen) <= set(texts)
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_of_eight_that_are_gone_on_from_the_smallest_makes_place(tmp_path):
    path = tmp_path / "a.csv"
    for length in [30, 20, 40, 10, 50, 60, 70, 80]:
        with pytest.raises(KeyboardInterrupt), atomic_path(path, keep=lambda: True) as temporary:
            temporary.write_text("x" * length)
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), atomic_path(path, keep=lambda: True) as temporary:
        raise KeyboardInterrupt
    assert sorted(file.stat().st_size for file in begun(path)) == [0, 20, 30, 40, 50, 60, 70, 80]
    with atomic_path(path, keep=lambda: True) as temporary:
        temporary.write_text("whole")
    remove_begun(path, spare=lambda file: file.stat().st_size == 80)
    assert [file.stat().st_size for file in begun(path)] == [80]


def test_a_folder_of_ones_own_is_cleared_whoever_left_it(tmp_path):
    for name in (
        ".model.0a1b2c-0.safetensors",
        ".run.4711.json",
        ".hidden",
        "model.safetensors",
        ".training.lock",
    ):
        (tmp_path / name).write_text("x")
    clear_left(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".hidden", ".training.lock", "model.safetensors"]


def test_what_is_read_is_not_written_over_by_whatever_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "table.csv"
    table.write_text("x")
    (tmp_path / "link.csv").symlink_to(table)
    (tmp_path / "folder").mkdir()
    refuse_inputs([tmp_path / "new.csv", None], [table, None, tmp_path / "new.csv", tmp_path / "folder"])
    refuse_inputs([tmp_path / "folder"], [table, tmp_path / "folder"])
    for target in (Path("table.csv"), Path("folder/../table.csv"), tmp_path / "link.csv"):
        with pytest.raises(NormeqError, match=f"^cannot write {target}: it is {table}, which is read here"):
            refuse_inputs([tmp_path / "new.csv", target], [None, table])
    with pytest.raises(NormeqError, match=f"^cannot write {table}: it is read here; choose another place"):
        refuse_inputs([table], [table])
