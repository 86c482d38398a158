"""Export: what is written runs without this package and gives what PyTorch gives."""

import json
import sys

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from normeq.denoisers import export
from normeq.denoisers.export import export_network
from normeq.errors import NormeqError
from normeq.nn import build_network
from normeq.nn.weights import save_network

CASES = {
    "fdncnn": {"depth": 4, "channels": 8},
    "drunet": {"widths": [4, 6], "blocks": 1, "noise_map": True},
}


@pytest.fixture
def trained(tmp_path):
    """Write a small network with random weights; the module and its file."""

    def write(architecture, variant):
        torch.manual_seed(3)
        options = CASES[architecture]
        network = build_network(architecture, variant, **options).eval()
        file = tmp_path / f"{architecture}-{variant}.safetensors"
        spec = {"name": "small", "architecture": architecture, **options}
        labels = {"variant": variant, "dataset": "x", "sigma": 25.0, "seed": 0}
        save_network(file, network, {"network": spec, "recipe": {}} | labels)
        return network.requires_grad_(False), file

    return write


def close(found, expected):
    span = float(expected.max() - expected.min())
    torch.testing.assert_close(torch.as_tensor(found), expected, rtol=0, atol=1e-5 * span)


def test_onnx_runs_in_its_runtime_at_any_size(trained, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    network, file = trained("fdncnn", "norm")
    record = export_network(str(file), tmp_path / "a.onnx")
    session = runtime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    assert [given.name for given in session.get_inputs()] == list(record["inputs"]) == ["y"]
    for shape in [(1, 1, 2, 5), (3, 1, 40, 33)]:
        y = 100 * torch.rand(shape) - 7
        close(session.run(None, {"y": y.numpy()})[0], network(y))
    assert json.loads((tmp_path / "a.onnx.json").read_text()) == record
    assert record["sha256"] == export.file_sha256(tmp_path / "a.onnx")


def test_onnx_of_a_network_with_scales_and_a_noise_map(trained, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    network, file = trained("drunet", "invariant")
    record = export_network(str(file), tmp_path / "a.onnx")
    assert record["sides"]["multiple"] == 2 and list(record["inputs"]) == ["y", "sigma"]
    session = runtime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    y, sigma = torch.rand(2, 1, 10, 22), torch.tensor([0.1, 0.3])
    close(session.run(None, {"y": y.numpy(), "sigma": sigma.numpy()})[0], network(y, sigma))


def test_a_torch_program_runs_alone(trained, tmp_path):
    network, file = trained("fdncnn", "wrapped")
    export_network(str(file), tmp_path / "a.pt2")
    program = torch.export.load(tmp_path / "a.pt2").module()
    for shape in [(1, 1, 9, 17), (4, 1, 32, 8)]:
        y = torch.rand(shape)
        close(program(y), network(y))


def test_kernels_are_those_of_plain_convolutions(trained, tmp_path):
    """An independent forward pass: mirror, convolve, |·| on the second half of the channels."""
    network, file = trained("fdncnn", "norm")
    record = export_network(str(file), tmp_path / "a.safetensors")
    kernels = load_file(tmp_path / "a.safetensors")
    assert {key.removesuffix(".weight") for key in kernels} <= set(record["layers"]) and len(kernels) == 4
    y = torch.rand(2, 1, 12, 15)
    x = y
    for number, key in enumerate(sorted(kernels, key=lambda name: int(name.split(".")[1]))):
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernels[key])
        if number < 3:
            s, d = x.chunk(2, dim=1)
            x = torch.cat([s, d.abs()], dim=1)
    close(x, network(y))


def test_what_differs_from_pytorch_is_not_handed_out(trained, tmp_path, monkeypatch):
    _, file = trained("fdncnn", "scale")

    def wrong(portable, target, multiple, made):
        target.write_bytes(b"x")
        return lambda y: 1.001 * portable(y)

    monkeypatch.setitem(export._WRITERS, "torch", wrong)
    with pytest.raises(NormeqError, match="not written, it differs from PyTorch by"):
        export_network(str(file), tmp_path / "a.pt2")
    assert not list(tmp_path.glob("a.pt2*")) and not list(tmp_path.glob(".a*"))


def test_a_network_whose_output_is_constant(trained, tmp_path, monkeypatch):
    network, file = trained("fdncnn", "ordinary")
    for weight in network.parameters():
        weight.zero_()
    monkeypatch.setattr(export, "load_network", lambda source: (network, {"network": {}, "variant": "x"}))
    record = export_network(str(file), tmp_path / "a.safetensors")
    assert max(record["parity"]["part_of_range"].values()) == 0
    images = [(torch.rand(1, 1, 4, 4),)]
    assert export._difference(lambda y: 0 * y + 0.25, lambda y: 0 * y + 0.5, images) == 1
    assert export._difference(lambda y: 0 * y, lambda y: 0 * y + 0.5, images) == 0.5


def test_what_is_not_a_number_does_not_pass_for_parity(trained, tmp_path, monkeypatch):
    _, file = trained("fdncnn", "scale")
    monkeypatch.setitem(
        export._WRITERS,
        "torch",
        lambda portable, target, *_: target.write_bytes(b"x") and (lambda y: torch.nan * y),
    )
    with pytest.raises(NormeqError, match="not written, it differs from PyTorch by inf"):
        export_network(str(file), tmp_path / "a.pt2")


def test_mistakes_are_one_line(trained, tmp_path, monkeypatch):
    _, file = trained("fdncnn", "scale")
    with pytest.raises(NormeqError, match="the suffix must be one of .onnx, .pt2, .safetensors"):
        export_network(str(file), tmp_path / "a.pth")
    with pytest.raises(NormeqError, match="a file of format onnx ends in .onnx"):
        export_network(str(file), tmp_path / "a.pt2", "onnx")
    with pytest.raises(NormeqError, match="format must be one of"):
        export_network(str(file), tmp_path / "a.pt2", "tflite")
    with pytest.raises(NormeqError, match="no trained network is called"):
        export_network("nothing", tmp_path / "a.pt2")
    (tmp_path / "b.safetensors").write_bytes(b"kept")
    with pytest.raises(NormeqError, match="is there already"):
        export_network(str(file), tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() == b"kept"
    before = file.read_bytes()
    with pytest.raises(NormeqError, match="is the network that is to be exported"):
        export_network(str(file), file, force=True)
    assert file.read_bytes() == before
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(NormeqError, match=r"needs .*pip install '\.\[onnx\]'"):
        export_network(str(file), tmp_path / "a.onnx")
    assert not list(tmp_path.glob("a.onnx*"))
