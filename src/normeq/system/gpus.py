"""How many GPUs there are, without loading PyTorch."""

from __future__ import annotations

import os
from pathlib import Path


def count_gpus() -> int:
    """NVIDIA GPUs that a process started here may use: those of ``CUDA_VISIBLE_DEVICES`` if it is set, else
    all."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([device for device in visible.split(",") if device.strip() not in ("", "-1")])
    return len(list(Path("/dev").glob("nvidia[0-9]*")))
