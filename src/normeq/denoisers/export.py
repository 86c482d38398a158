"""Export: a trained network as a file that other programs run, checked against PyTorch."""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from normeq.denoisers import pretrained
from normeq.errors import NormeqError, install
from normeq.nn.folding import fold
from normeq.nn.reach import reach
from normeq.nn.weights import load_network
from normeq.system.files import atomic_path, write_json
from normeq.system.provenance import file_sha256, versions

Format = Literal["onnx", "torch", "safetensors"]
SUFFIXES: dict[str, str] = {"onnx": ".onnx", "torch": ".pt2", "safetensors": ".safetensors"}
OPSET = 20
TOLERANCE = 1e-4  # of the range of the output of PyTorch
LARGEST = 16384  # side of an image, in pixels: exporters want a bound
SIGMA = 25 / 255  # of the images that parity is tried on

Runner = Callable[..., Tensor]


def export_network(
    name: str, out: str | Path, format: Format | None = None, *, force: bool = False
) -> dict[str, Any]:
    """Write a trained network for other programs, and a record beside it.

    All kernels are worked out (constraints, rotation, batch normalisation), so that what runs elsewhere is
    convolutions, padding, |·| and additions in float32. Batch, height and width stay free.

    =============  =====================================================================================
    onnx           for any ONNX runtime (opset 20); needs onnx, onnxscript and onnxruntime
    torch          a :func:`torch.export.save` program (``.pt2``), which runs without this package
    safetensors    the kernels as they are applied, by layer, for ports to other languages
    =============  =====================================================================================

    Args:
        name: as :func:`normeq.load` takes it: a name, a run folder, or a ``*.safetensors`` file.
        out: file to write, ``*.onnx``, ``*.pt2`` or ``*.safetensors``; OUT.json is its record.
        format: default: by the suffix of ``out``.
        force: replace what is there.

    Returns:
        The record: format, SHA-256 of the file and of the weights, the network, names, shapes and units of
        inputs and output, which sides an image may have, the largest difference to PyTorch on random and on
        real images as a part of the range of the output, and versions.

    Raises:
        NormeqError: unknown network, format or suffix; a file that is there, or is the network itself; a
            package that is missing; a result that differs from PyTorch by more than 10⁻⁴ of its range
            (nothing is left then).
    """
    out = Path(out)
    format = _format(out, format)
    record_file = out.with_name(out.name + ".json")
    for file in (out, record_file):
        if file.exists() and not force:
            raise NormeqError(f"{file} is there already; --force replaces it")
    source = pretrained.weights_file(name)
    if out.exists() and out.samefile(source):
        raise NormeqError(f"{out} is the network that is to be exported: name another file")
    network, description = load_network(source)
    reached = reach(network)
    multiple = reached.multiple if reached else 1
    portable = (NonBlind if getattr(network, "noise_map", False) else Portable)(network)
    with atomic_path(out) as temporary, torch.no_grad(), _quiet():
        made: dict[str, Any] = {}
        run = _WRITERS[format](portable, temporary, multiple, made)
        parity = {
            label: _difference(network, run, images) for label, images in _images(portable, multiple).items()
        }
        worst, sha256 = max(parity.values()), file_sha256(temporary)
        if not worst <= TOLERANCE:
            raise NormeqError(
                f"{out}: not written, it differs from PyTorch by {worst:.1e} of the range of the output"
            )
    record = {
        "format": format,
        "sha256": sha256,
        "weights_sha256": file_sha256(source),
        "network": description["network"],
        "variant": description["variant"],
        "inputs": portable.inputs(),
        "output": "denoised images, like y",
        "sides": {"multiple": multiple, "least": _least(multiple), "largest": LARGEST},
        "parity": {"part_of_range": parity, "tolerance": TOLERANCE},
        "versions": versions() | made.pop("versions", {}),
    } | made
    write_json(record_file, record)
    return record


class Portable(nn.Module):
    """A blind network with its kernels worked out, without operations in place."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = fold(network, in_place=False).to(memory_format=torch.contiguous_format)
        self.channels = getattr(network, "image_channels", None) or 1

    def forward(self, y: Tensor) -> Tensor:
        return self.network(y)

    def arguments(self, images: Tensor) -> tuple[Tensor, ...]:
        """What it is called with on images of noise level σ = 25/255."""
        return (images,)

    def inputs(self) -> dict[str, str]:
        """Names, shapes and units of what it takes."""
        return {
            "y": f"noisy images, (N, {self.channels}, H, W) float32, in the range of training, [0,1]; in any "
            "where the network is normalization-equivariant"
        }


class NonBlind(Portable):
    """The same of a network that takes σ."""

    def forward(self, y: Tensor, sigma: Tensor) -> Tensor:
        return self.network(y, sigma)

    def arguments(self, images: Tensor) -> tuple[Tensor, ...]:
        return (images, torch.full((len(images),), SIGMA))

    def inputs(self) -> dict[str, str]:
        return super().inputs() | {"sigma": "noise level of each image, (N,) float32, in the units of y"}


def _format(out: Path, format: str | None) -> str:
    if format is None:
        found = [name for name, suffix in SUFFIXES.items() if suffix == out.suffix]
        if not found:
            raise NormeqError(f"{out}: the suffix must be one of {', '.join(SUFFIXES.values())}")
        return found[0]
    if format not in get_args(Format):
        raise NormeqError(f"format must be one of {', '.join(get_args(Format))}, not {format!r}")
    if out.suffix != SUFFIXES[format]:
        raise NormeqError(f"{out}: a file of format {format} ends in {SUFFIXES[format]}")
    return format


def _least(multiple: int) -> int:
    """The smallest side: a mirrored border needs two pixels, at every scale."""
    return 2 * multiple


def _program(portable: Portable, multiple: int) -> torch.export.ExportedProgram:
    """The traced network, with batch, height and width left free."""
    least = _least(multiple)
    # An example of one image would make the tracer take the batch for fixed, sides alike for the same.
    example = portable.arguments(torch.rand(2, portable.channels, 4 * least, 5 * least))
    batch = torch.export.Dim("batch", min=1, max=1024)

    def side(name: str) -> Any:
        free = torch.export.Dim(f"{name}_over_{multiple}", min=2, max=LARGEST // multiple)
        return multiple * free if multiple > 1 else torch.export.Dim(name, min=2, max=LARGEST)

    shapes = ({0: batch, 2: side("height"), 3: side("width")}, {0: batch})[: len(example)]
    return torch.export.export(portable, example, dynamic_shapes=shapes, strict=False)


def _to_onnx(portable: Portable, file: Path, multiple: int, made: dict[str, Any]) -> Runner:
    try:
        import onnx
        import onnxruntime
        import onnxscript
    except ImportError as error:
        raise NormeqError(f"export to ONNX needs {error.name}: {install('onnx')}") from None
    names = list(portable.inputs())
    program = torch.onnx.export(
        _program(portable, multiple),
        dynamo=True,
        input_names=names,
        output_names=["denoised"],
        opset_version=OPSET,
        verbose=False,
    )
    program.save(file)
    made["opset"] = OPSET
    made["versions"] = {module.__name__: module.__version__ for module in (onnx, onnxruntime, onnxscript)}
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])

    def run(*arguments: Tensor) -> Tensor:
        given = {name: value.numpy() for name, value in zip(names, arguments, strict=True)}
        return torch.from_numpy(session.run(None, given)[0])

    return run


def _to_torch(portable: Portable, file: Path, multiple: int, made: dict[str, Any]) -> Runner:
    with open(file, "wb") as handle:
        torch.export.save(_program(portable, multiple), handle)
    with open(file, "rb") as handle:
        module = torch.export.load(handle).module()
    return module


def _to_safetensors(portable: Portable, file: Path, multiple: int, made: dict[str, Any]) -> Runner:
    from safetensors.torch import load, save

    kernels = {key: value.contiguous() for key, value in portable.network.state_dict().items()}
    layers = {
        name: repr(module)
        for name, module in portable.network.named_modules()
        if name and not list(module.children())
    }
    file.write_bytes(save(kernels, metadata={"layers": json.dumps(layers)}))
    made["layers"] = layers
    read = load(file.read_bytes())
    if set(read) != set(kernels):
        raise NormeqError("the kernels could not be read back")
    portable.network.load_state_dict(read)
    return portable


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' own warnings, which nobody here can act on, from the terminal."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


_WRITERS: dict[str, Callable[[Portable, Path, int, dict[str, Any]], Runner]] = {
    "onnx": _to_onnx,
    "torch": _to_torch,
    "safetensors": _to_safetensors,
}


def _images(portable: Portable, multiple: int) -> dict[str, list[tuple[Tensor, ...]]]:
    """What parity is tried on: noise of three sizes, one and two images; and a noisy photograph where
    scikit-image is there, which carries one."""
    generator = torch.Generator().manual_seed(0)
    least = _least(multiple)
    sizes = [(1, least, 3 * least), (2, 6 * least, 5 * least), (1, 96 // multiple * multiple, 64)]
    random = [
        portable.arguments(torch.rand(n, portable.channels, h, w, generator=generator)) for n, h, w in sizes
    ]
    found = {"random": random}
    try:
        from skimage import data
    except ImportError:
        return found
    photograph = torch.from_numpy(data.camera()).float()[None, None] / 255
    photograph = photograph.expand(1, portable.channels, -1, -1)
    noisy = photograph + SIGMA * torch.randn(photograph.shape, generator=generator)
    return found | {"photograph": [portable.arguments(noisy)]}


def _difference(network: nn.Module, run: Runner, images: list[tuple[Tensor, ...]]) -> float:
    """The largest difference to the network, as a part of the range of its output; of its size where it is
    constant. Infinite where there is none: NaN compares with nothing."""
    worst = 0.0
    for arguments in images:
        expected = network(*arguments)
        span = float(expected.max() - expected.min()) or float(expected.abs().max()) or 1.0
        part = float((run(*arguments) - expected).abs().max()) / span
        worst = math.inf if math.isnan(part) else max(worst, part)
    return worst
