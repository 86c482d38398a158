"""What a user is told of errors that no command foresaw, and how a terminal without UTF-8 shows it."""

import io
import os
import subprocess
import sys

import pytest
import torch

from normeq.errors import NormeqError, explain, hint_of_number, is_out_of_memory
from normeq.system import console

OUT_OF_MEMORY = [
    MemoryError("Unable to allocate 3.00 TiB for an array with shape (10000000000000,)"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory: you tried to"
    ),
    RuntimeError("CUDA error: out of memory"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    RuntimeError("std::bad_alloc"),
    OSError(12, "Cannot allocate memory"),
    SystemError("error return without exception set"),
    OSError("could not get source code"),
    ImportError("x.so: failed to map segment from shared object"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=str)
def test_out_of_memory_is_one_line_by_whatever_library(error):
    assert is_out_of_memory(error)
    where = "the GPU" if "CUDA" in str(error) else "this machine"
    assert explain(error).startswith(f"out of memory on {where}: take smaller images or crops")


def test_other_errors():
    assert explain(NormeqError("a\nb")) == "a\\nb"
    assert explain(PermissionError(13, "Permission denied", "x.csv")) == "x.csv: Permission denied"
    assert explain(RuntimeError("shapes differ")) is None and explain(ValueError("x")) is None
    assert not is_out_of_memory(ValueError("out of memory"))
    with pytest.raises(UnicodeEncodeError) as refused:
        "\udccf".encode()
    assert "LC_ALL=C.UTF-8" in explain(refused.value)


@pytest.mark.parametrize(
    ("value", "hint"), [("1e-4", True), ("25", True), ("many", False), (25, False), (None, False)]
)
def test_the_hint_of_numbers_is_for_texts_that_are_numbers(value, hint):
    assert ("YAML reads 1e-3 as text" in hint_of_number(value)) == hint


@pytest.mark.parametrize(
    "error", [*OUT_OF_MEMORY, NormeqError("no"), PermissionError(13, "no", "x")], ids=str
)
def test_a_program_ends_with_one_line_and_2(error, capsys):
    def program():
        raise error

    assert console.run(program) == 2
    assert capsys.readouterr().err.startswith("normeq: error: ")


def test_a_fault_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        console.run(lambda: 1 // 0)


def test_a_terminal_without_the_letters(monkeypatch):
    for encoding in ("ascii", "latin-1", "cp1252"):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])

        def program():
            print("σ = 25 ✓ – \udcff")
            raise NormeqError("no image 'σ'")

        assert console.run(program) == 2
        streams[1].flush()
        assert streams[1].buffer.getvalue().startswith(b"normeq: error: no image '")


@pytest.mark.parametrize("arguments", [["protocol"], ["data", "list"], ["networks"], ["certify", "--help"]])
def test_the_command_in_an_ascii_locale(arguments):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for more in ({}, {"PYTHONIOENCODING": "ascii"}):
        done = subprocess.run(
            [sys.executable, "-m", "normeq.cli", *arguments], env=environment | more, capture_output=True
        )
        assert done.returncode == 0 and not done.stderr


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m normeq.cli data list | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""
