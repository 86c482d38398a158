"""bfloat16 is used where it works, and where it does not a line says so and float32 is."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import torch
from torch import nn

from normeq.training import precision
from normeq.training.images import from_arrays
from normeq.training.loop import train
from normeq.training.precision import usable_precision
from normeq.training.spec import RunSpec

CPU = torch.device("cpu")
NETWORKS = {
    "fdncnn": {"depth": 4, "channels": 8},
    "dncnn": {"depth": 4, "channels": 8},
    "drunet": {"widths": [8, 8, 8, 8], "blocks": 1},
}


def spec(architecture: str, variant: str) -> RunSpec:
    network = {"name": "x", "architecture": architecture} | NETWORKS[architecture]
    recipe = {"steps": 2, "batch": 2, "patch": 16, "lr": 1e-3, "precision": "bfloat16"}
    return RunSpec.from_dict(
        {"network": network, "variant": variant, "dataset": "d", "sigma": 25, "seed": 0, "recipe": recipe}
    )


@pytest.fixture
def capable(monkeypatch):
    """A processor with bfloat16 convolutions, whatever this one has."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")


@pytest.mark.parametrize("variant", ["ordinary", "scale", "norm", "wrapped", "invariant"])
@pytest.mark.parametrize("architecture", list(NETWORKS))
def test_right_convolutions_pass_and_the_network_is_as_it_was(capable, architecture, variant):
    if (architecture, variant) == ("dncnn", "norm"):
        pytest.skip("no such network")
    network = spec(architecture, variant).build()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert usable_precision(network, "bfloat16", CPU, 16) == "bfloat16"
    assert network.training and not any(module._forward_hooks for module in network.modules())
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


@pytest.mark.parametrize("wrong", [lambda y: 4 * y, lambda y: y * float("nan")])
def test_a_wrong_convolution_is_named(capable, monkeypatch, caplog, wrong):
    network = spec("drunet", "scale").build()
    right = nn.functional.conv_transpose2d

    def convolve(x, *args, **options):
        y = right(x, *args, **options)
        return wrong(y) if y.dtype == torch.bfloat16 else y

    monkeypatch.setattr(nn.functional, "conv_transpose2d", convolve)
    with caplog.at_level(logging.WARNING):
        assert usable_precision(network, "bfloat16", CPU, 16) == "float32"
    names = [name for name, module in network.named_modules() if isinstance(module, nn.ConvTranspose2d)]
    assert f"bfloat16 misses layer {names[0]} by" in caplog.text


def test_a_processor_without_is_told_and_trains_in_float32(monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    monkeypatch.setattr(precision.platform, "machine", lambda: "x86_64")
    images = [np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)]
    with caplog.at_level(logging.WARNING):
        record = train(spec("fdncnn", "norm"), tmp_path / "run", from_arrays(images), device=CPU)
    assert "no bfloat16 convolutions (AVX2): training in float32" in caplog.text
    assert record["computed_in"] == "float32" and record["spec"]["recipe"]["precision"] == "bfloat16"
    assert json.loads((tmp_path / "run/run.json").read_text())["computed_in"] == "float32"


def test_float32_asks_nothing(monkeypatch, caplog):
    monkeypatch.setattr(precision, "_wrong_layer", None)
    assert usable_precision(nn.Identity(), "float32", CPU, 16) == "float32" and not caplog.text
