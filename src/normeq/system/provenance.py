"""Where a number comes from: code revision, versions, hardware."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from normeq import __version__
from normeq.errors import NormeqError


@cache
def git_revision() -> str | None:
    """Commit of the source tree, with ``-dirty`` where tracked files under ``src`` are changed.

    Outside a checkout, as in a container or on a machine that got a copy of the source, it is what the
    variable NORMEQ_REVISION says, or None. A repository around an installed copy, such as the project whose
    virtual environment holds it, is not ours.

    Raises:
        NormeqError: NORMEQ_REVISION holds something that cannot be one.
    """
    file = Path(__file__).resolve()
    # Variables such as GIT_DIR, which hooks set, would name another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(file.parent), *arguments],
            env=environment, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    try:
        git("ls-files", "--error-unmatch", file.name)
        revision = git("rev-parse", "HEAD")
        return revision + ("-dirty" if git("status", "--porcelain", "--untracked-files=no", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        told = os.environ.get("NORMEQ_REVISION", "").strip()
        if told and not re.fullmatch(r"[\w.+-]+", told):
            raise NormeqError(
                f"NORMEQ_REVISION={told!r} is no name of a commit: unset it, or correct it"
            ) from None
        return told or None


def cpu_model() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def hardware(device: torch.device) -> dict[str, Any]:
    """The machine that computes on ``device``."""
    out: dict[str, Any] = {"device": device.type, "cpu": cpu_model(), "cores": os.cpu_count()}
    out["threads"] = torch.get_num_threads()
    if device.type == "cuda":
        out["gpu"] = torch.cuda.get_device_name(device)
    return out


@cache
def measured_by(device: torch.device) -> str:
    """What a measurement on ``device`` is made by, on one line without commas: processor; PyTorch; revision
    of the source tree, where there is one."""
    machine = hardware(device)
    revision = git_revision()
    parts = [machine.get("gpu") or machine["cpu"], f"torch {torch.__version__}"]
    if revision:
        commit, *changed = revision.split("-")
        parts.append("-".join([f"normeq {commit[:8]}", *changed]))
    return "; ".join(parts).replace(",", " ")


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "normeq": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # a class of its own, which a checkpoint would not take
        "numpy": np.__version__,
    }


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file, hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def pick_device(name: str = "auto") -> torch.device:
    """``cpu``, ``cuda`` or ``cuda:N``; ``auto`` takes a GPU where one is usable.

    Raises:
        NormeqError: a GPU is asked for and none is usable, or it has another number, or the name is none of
            these: metrics need float64, which not all that PyTorch computes on has.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", name):
        raise NormeqError(f"unknown device {name!r}: choose auto, cpu, cuda or cuda:N")
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise NormeqError(f"device {name}: no usable GPU; choose --device cpu")
    count = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= count:
        raise NormeqError(f"device {name}: there {'is' if count == 1 else 'are'} {count}, numbered from 0")
    return device
