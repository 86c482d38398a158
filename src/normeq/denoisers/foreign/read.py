"""State dicts out of files that other programs wrote, without running anything in them."""

from __future__ import annotations

import argparse
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from normeq.errors import NormeqError

State = dict[str, Tensor]

# What checkpoints hold beside tensors: data without code.
HARMLESS = [
    argparse.Namespace,
    np.dtype,
    type(np.dtype("float64")),
    type(np.dtype("float32")),
    type(np.dtype("int64")),
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),
    (np._core.multiarray.scalar, "numpy._core.multiarray.scalar"),
]
WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel and torch.compile
DEPTH = 4  # of envelopes
COUNTER = "num_batches_tracked"  # of batch normalisation, the only integers among weights


def read_state(path: Path, member: str | None = None) -> tuple[State, str]:
    """The state dict of a file, its floating-point tensors in float32.

    Args:
        path: as ``torch.save`` or safetensors wrote it.
        member: which one, where there are several.

    Returns:
        Tensors by key, without the prefixes of wrappers; and the name of the member, "" where the file is the
        state dict itself.

    Raises:
        NormeqError: the file cannot be read, holds no state dict, or several and ``member`` names none.
    """
    found = dict(_members(_load(path)))
    if not found:
        raise NormeqError(f"{path}: holds no state dict (tensors under keys such as model.0.weight)")
    if member is None and len(found) > 1:
        raise NormeqError(
            f"{path}: holds {len(found)} state dicts: choose one with --member: {_listed(found)}"
        )
    name = next(iter(found)) if member is None else member
    if name not in found:
        raise NormeqError(f"{path}: has no member {name!r}: choose from {_listed(found)}")
    state = found[name]
    for prefix in WRAPPERS * 2:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return {key: _checked(path, key, tensor) for key, tensor in state.items()}, name


def _listed(found: Mapping[str, Any]) -> str:
    names = [name or "(the file itself)" for name in found]
    return ", ".join(names if len(names) <= 6 else [*names[:3], "…", names[-1]])


def _checked(path: Path, key: str, tensor: Tensor) -> Tensor:
    if tensor.is_quantized or tensor.is_complex() or tensor.layout != torch.strided:
        raise NormeqError(
            f"{path}: {key} is no plain tensor of real numbers ({tensor.dtype}, {tensor.layout})"
        )
    if key.rpartition(".")[2] == COUNTER:
        return tensor
    if not tensor.is_floating_point():
        kind = str(tensor.dtype).removeprefix("torch.")
        raise NormeqError(
            f"{path}: {key} holds {kind}, not floating-point numbers: get weights as they were trained"
        )
    weights = tensor.detach().float().contiguous()
    if not weights.isfinite().all():
        raise NormeqError(
            f"{path}: {key} holds NaN, infinity or numbers above those of float32: the file is damaged, or "
            "training diverged"
        )
    return weights


def _members(content: Any, name: str = "", depth: int = DEPTH) -> Iterator[tuple[str, State]]:
    """Every state dict in an object: a mapping with tensors under keys that have a dot, which those of
    optimisers do not have."""
    entries: Any = []
    if isinstance(content, Mapping):
        tensors = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
        if any("." in key for key in tensors):
            yield name, tensors
            return
        entries = content.items()
    elif isinstance(content, list | tuple):
        entries = enumerate(content)
    if depth:
        for key, value in entries:
            yield from _members(value, f"{name}/{key}" if name else str(key), depth - 1)


def _load(path: Path) -> Any:
    if path.is_dir():
        raise NormeqError(f"{path}: is a folder; name the file of weights")
    if not path.is_file():
        raise NormeqError(f"{path}: no such file")
    try:
        with open(path, "rb") as handle:
            start = handle.read(64)
        if start[8:9] == b"{":
            return load_file(path)
    except SafetensorError as error:
        raise NormeqError(f"{path}: a truncated or damaged safetensors file ({error})") from None
    except OSError as error:
        raise NormeqError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not start:
        raise NormeqError(f"{path}: the file is empty")
    if start.lstrip()[:1] == b"<" or start.startswith(b"version https://git-lfs"):
        what = "a web page" if b"<" in start[:8] else "a Git LFS pointer"
        raise NormeqError(f"{path}: {what}, not weights; download the file itself")
    try:
        with torch.serialization.safe_globals(HARMLESS), warnings.catch_warnings(action="ignore"):
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # pickle and zip files break in many ways
        what = _code(error, start)
        if what:
            raise NormeqError(
                f"{path}: holds code ({what}), which is never run here: save the tensors alone where the "
                "program is installed, torch.save(model.state_dict(), FILE), and import that"
            ) from None
        raise NormeqError(
            f"{path}: truncated, or no file of torch.save or safetensors ({type(error).__name__})"
        ) from None


def _code(error: Exception, start: bytes) -> str:
    """What PyTorch refused to run in a file that begins with ``start``; "" where it could not be read."""
    text = " ".join(str(error).split())
    named = re.search(r"GLOBAL (?:[A-Za-z]+ )?([\w.]+\.\w+)", text)
    if named:
        return named[1]
    if "TorchScript" in text:
        return "TorchScript"
    is_pickle = start.startswith((b"\x80", b"PK"))
    return "a pickle" if is_pickle and isinstance(error, pickle.UnpicklingError) and "Unsupp" in text else ""
