"""Checkpoints: everything that a run needs to go on, in one file, written atomically."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from normeq.errors import NormeqError, is_out_of_memory
from normeq.system.files import atomic_path
from normeq.system.seals import is_intact, seal, unseal


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Write a checkpoint atomically; an older one survives a failed write."""
    with atomic_path(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:  # torch reports a full disk as a RuntimeError of its zip writer
            raise NormeqError(
                f"cannot write {path}: the disk is full or not writable ({str(error).splitlines()[0]}); "
                "free some space and run the same command again"
            ) from error
        unseal(path)
    seal(path)  # PyTorch reads tensors with flipped bits


def load_checkpoint(path: str | Path, fingerprint: str, images: str | None = None) -> dict[str, Any]:
    """Read a checkpoint.

    Args:
        path: file written by :func:`save_checkpoint`.
        fingerprint: of the run that wants to go on.
        images: SHA-256 of its training images; checkpoints of before this was stored have none.

    Raises:
        NormeqError: truncated or damaged file, or a checkpoint of another run or of other images.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # reading what is no pickle ends in whatever its bytes happen to say
        if is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NormeqError(
            f"{path}: truncated, or not a checkpoint ({reason}); delete it to train from the start"
        ) from None
    if not is_intact(path):
        raise NormeqError(f"{path}: damaged since it was written; delete it to train from the start")
    if not isinstance(state, dict) or state.get("fingerprint") != fingerprint:
        raise NormeqError(
            f"{path}: belongs to another run (network, recipe, seed or data differ); "
            "choose another --out folder, or delete the file to train from the start"
        )
    if images is not None and state.get("images", images) != images:
        raise NormeqError(
            f"{path}: was trained on other images than those that are there now; "
            "choose another --out folder, or delete the file to train from the start"
        )
    return state
