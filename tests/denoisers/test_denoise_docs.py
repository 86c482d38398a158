"""The examples of docs/denoise.md run as they are written."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from normeq.cli import app

TEXT = (Path(__file__).parents[2] / "docs/denoise.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noisy = np.random.default_rng(0).normal(128, 25, (36, 40)).clip(0, 255)
    np.save("noisy.npy", noisy)
    Image.fromarray(noisy.astype(np.uint8)).save("noisy.png")
    tifffile.imwrite("scan.tif", (noisy * 15).astype(np.uint16), photometric="minisblack")
    tifffile.imwrite("stack.tif", np.stack([noisy, noisy]).astype("f4"), photometric="minisblack")
    Path("microscope/day1").mkdir(parents=True)
    tifffile.imwrite("microscope/day1/a.tif", noisy.astype(np.float32), photometric="minisblack")
    return tmp_path


def test_python(folder):
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)
    assert len(blocks) == 5
    scope = {}
    for block in blocks:
        exec(block, scope)
    assert scope["clean_colour"].dtype == np.uint8 and scope["clean"].shape == (36, 40)


def test_commands(folder):
    lines = [
        line for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.S) for line in block.splitlines()
    ]
    assert len(lines) == 4
    for line in lines:
        result = CliRunner().invoke(app, shlex.split(line)[1:])
        assert result.exit_code == 0, (line, result.exception)
    for made in ("clean.png", "clean/scan.tif", "clean/stack.tif", "clean/day1/a.tif", "scan-clean.tif"):
        assert (folder / made).is_file(), made
