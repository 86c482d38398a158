"""What the documentation tells a user to write works."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import normeq
from normeq.nn.variants import Variant, get_variant

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tiny():
    """The network of docs/extending.md."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/extending.md").read_text(), flags=re.S)
    (code,) = [block for block in blocks if "nn.Module" in block]
    scope = {"nn": nn, "Variant": Variant}
    exec(code, scope)
    return scope["Tiny"]


@pytest.mark.parametrize("variant", ["ordinary", "scale", "norm"])
def test_the_network_to_copy_is_of_its_variant(tiny, variant):
    torch.manual_seed(0)
    network = tiny(get_variant(variant), channels=8).double().eval()
    y = torch.rand(1, 1, 16, 16, dtype=torch.float64)
    output = network(y)
    assert output.shape == y.shape
    shift = {"norm": -3.0}.get(variant, 0.0)
    equal = torch.allclose(network(40 * y + shift), 40 * output + shift, rtol=1e-10, atol=1e-10)
    assert equal == (variant != "ordinary")


def test_training_on_a_folder_of_ones_own(tmp_path, monkeypatch):
    """The code of docs/training.md, with a small network and two steps."""
    text = (ROOT / "docs/training.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in "ab":
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
    scope = {}
    exec(code.replace('"channels": 32', '"channels": 4').replace("3600", "2"), scope)
    assert scope["record"]["data"]["images"] == 2
    assert normeq.load("runs/mine")(torch.zeros(1, 1, 8, 8)).shape == (1, 1, 8, 8)


@pytest.mark.parametrize("change", ["clean = clean[None, None]", "clean = 100 + 3 * clean[None, None]"])
def test_plug_and_play_fills_holes_in_any_range(change):
    """The code of docs/plug_and_play.md."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/plug_and_play.md").read_text(), flags=re.S)
    scope = {}
    exec(code.replace("clean = clean[None, None]", change), scope)
    span = 1 if "100" not in change else 3
    assert scope["error"] / span < 0.01
    filled = scope["known"] + (1 - scope["mask"]) * scope["known"].sum() / scope["mask"].sum()
    assert (filled - scope["clean"]).pow(2).mean().sqrt() / 1000 / span > 0.05


def test_captions_of_the_report_hold_for_every_protocol_and_kind_of_claim():
    captions = {file.stem: file.read_text() for file in (ROOT / "workflow/report").glob("*.rst")}
    for name, text in captions.items():
        for page in re.findall(r"docs/\w+\.md", text):
            assert (ROOT / page).is_file(), name
    # Some rows of a long table are clipped before, or not after; some intervals are over trainings or draws.
    assert "protocol in its column" in captions["long_table"]
    assert not re.search("not clipped|is clamped", " ".join(captions["long_table"].split()))
    assert "docs/claims.md" in captions["claims"]
    assert "interval over images" not in " ".join(captions["claims"].split())
