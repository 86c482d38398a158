"""Weights as safetensors files that carry the description of their network."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from normeq.errors import NormeqError
from normeq.nn import build_network
from normeq.nn.unreadable import foreign
from normeq.system.files import atomic_path

METADATA_KEY = "normeq"


def save_network(
    path: str | Path, network: nn.Module, description: dict[str, Any], dtype: torch.dtype = torch.float32
) -> None:
    """Write weights and description atomically.

    Args:
        path: target, ``*.safetensors``.
        network: module whose ``state_dict`` is written (contiguous).
        description: at least ``network`` (name, architecture, options) and ``variant``; JSON-ready.
        dtype: format of the file; a network that reads it has float32.
    """
    tensors = {
        key: value.detach().cpu().to(dtype if value.is_floating_point() else torch.float32).contiguous()
        for key, value in network.state_dict().items()
    }
    with atomic_path(path) as temporary:
        # Not save_file, whose files nobody but their owner may read.
        temporary.write_bytes(save(tensors, metadata={METADATA_KEY: json.dumps(description, sort_keys=True)}))


def load_network(path: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """Rebuild a network from a file written by :func:`save_network`, in evaluation mode on the CPU.

    Returns:
        The module and its description.

    Raises:
        NormeqError: the file is missing, truncated, not ours, or holds the weights of another network.
    """
    path = Path(path)
    description, tensors = _read(path)
    _check_record(path)
    options = {k: v for k, v in description["network"].items() if k not in ("name", "architecture")}
    network = build_network(description["network"]["architecture"], description["variant"], **options)
    load_state(network, tensors, path)
    return network.eval(), description


def _check_record(path: Path) -> None:
    """Refuse weights that are not those of the record of their run beside them: a flipped bit is a weight."""
    try:
        recorded = json.loads((path.parent / "run.json").read_text(encoding="utf-8"))["weights_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if path.name == "model.safetensors" and re.fullmatch("[0-9a-f]{64}", str(recorded)):
        with open(path, "rb") as handle:
            if hashlib.file_digest(handle, "sha256").hexdigest() != recorded:
                raise NormeqError(
                    f"{path}: not the weights that {path.parent / 'run.json'} records; fetch them again, or "
                    f"delete {path.name} to train again"
                )


def read_description(path: str | Path) -> dict[str, Any]:
    """The description that :func:`save_network` wrote.

    Raises:
        NormeqError: the file is missing, truncated or not ours.
    """
    return _read(Path(path))[0]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Description and tensors."""
    if not path.is_file():
        raise NormeqError(
            f"{path}: no such file; train the network first, or name a folder that holds model.safetensors"
        )
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = handle.metadata() or {}
            tensors = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise NormeqError(f"{path}: truncated, or not a safetensors file ({error})") from None
    if METADATA_KEY not in metadata:
        raise NormeqError(f"{foreign(path)}; it carries no description of its network")
    try:
        description = json.loads(metadata[METADATA_KEY])
        complete = isinstance(description["network"]["architecture"], str) and description["variant"]
    except (ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise NormeqError(
            f"{path}: the description of its network is damaged; train again, or fetch it again"
        )
    return description, tensors


def load_state(network: nn.Module, tensors: dict[str, Any], source: str | Path) -> None:
    """Load tensors strictly.

    Raises:
        NormeqError: names or shapes differ; the first difference is named.
    """
    expected = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    found = {k: tuple(v.shape) for k, v in tensors.items()}
    if expected != found:
        key = sorted(k for k in expected.keys() | found.keys() if expected.get(k) != found.get(k))[0]
        raise NormeqError(
            f"{source}: these are the weights of another network: {key} has shape "
            f"{found.get(key, 'missing')}, expected {expected.get(key, 'no such tensor')}"
        )
    network.load_state_dict(tensors)
