"""The examples of docs/layers.md run as they are written."""

import inspect
import re
from pathlib import Path

import pytest
import torch

import normeq
from normeq import nn as layers

TEXT = (Path(__file__).parents[2] / "docs/layers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)


def test_python(capsys):
    assert len(BLOCKS) == 8
    torch.manual_seed(0)
    scope = {}
    for block in BLOCKS:
        exec(block, scope)
    shown = capsys.readouterr().out
    assert "✓" in shown and "✗" in shown and "it cannot be traced" in shown
    (converted,) = [block for block in BLOCKS if "# first Conv2d" in block]
    for line in re.findall(r"^# (.*)$", converted, flags=re.M):
        assert all(part in str(scope["twin"].conversion) for part in line.split("…")), line


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+)(?:\(.*?\))*`", TEXT))))
def test_names_of_layers_exist(name):
    if (
        name in layers.__all__
        or name in normeq.__all__
        or not re.match("Affine|Sort|ZeroSum|BiasFree|Rot", name)
    ):
        return
    pytest.fail(f"{name} is not in normeq.nn")


def test_the_arguments_of_convert_are_those_of_the_page():
    (call,) = re.findall(r"`convert\((.*?)\)`", TEXT)
    found = [part.partition("=")[0].strip(" ") for part in re.split(r", (?=\w+=)", call)]
    assert found == list(inspect.signature(normeq.convert).parameters)
