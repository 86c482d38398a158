"""By what the steps of a run were made: a run may go on with another revision, PyTorch or machine."""

from __future__ import annotations

from typing import Any

import torch

from normeq.system import provenance

UNKNOWN = [{"from_step": 0}]  # of a checkpoint that does not say it


def made_by(revision: str | None, device: torch.device, processes: int, precision: str) -> dict[str, Any]:
    """What makes steps here and now: revision, versions, hardware, and precision of the convolutions."""
    return {
        "revision": revision,
        "versions": provenance.versions(),
        "hardware": provenance.hardware(device) | {"processes": processes},
        "computed_in": precision,
    }


def with_slice(slices: list[dict[str, Any]], step: int, now: dict[str, Any]) -> list[dict[str, Any]]:
    """The slices of a run that goes on at ``step``: one more, where something else than the last makes it."""
    same = slices and slices[-1] == {"from_step": slices[-1]["from_step"]} | now
    return slices if same else [*slices, {"from_step": step} | now]
