"""Freed memory stays with the process, so that the system need not fill it with zeros again."""

import subprocess
import sys

import pytest

from normeq.system.allocator import keep_freed_memory

SIZE = 48_000_000  # bytes
PROGRAM = f"""
import resource, sys, torch
from normeq.system.allocator import keep_freed_memory

def faults():  # in twenty calls
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones({SIZE // 4})
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(sys.argv[1] == "no" or keep_freed_memory())
faults()  # the process grows until a free block fits
print(faults())
"""


def faults(keep: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, keep], capture_output=True, text=True, check=True)
    took, count = done.stdout.split()
    if took == "False":
        pytest.skip("not glibc")
    return int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only with glibc")
def test_memory_is_kept():
    large_pages = 20 * SIZE / 2**21
    given_back = faults("no")
    assert given_back > large_pages / 2
    assert faults("yes") < given_back / 10


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert keep_freed_memory() is False
