"""Counting GPUs."""

import pytest

from normeq.system.gpus import count_gpus


@pytest.mark.parametrize(
    ("visible", "count"), [("", 0), ("-1", 0), ("3", 1), ("0,2", 2), ("GPU-1a, GPU-2b", 2)]
)
def test_the_environment_decides(monkeypatch, visible, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert count_gpus() == count
