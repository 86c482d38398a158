"""The log of a run: one JSON object per line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from normeq.system.files import atomic_path


def open_log(path: Path, step: int) -> IO[str]:
    """Open the log for appending, without the lines that a run resumed at ``step`` will write again."""
    lines = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    lines.append(line + "\n")
            except (json.JSONDecodeError, KeyError):
                break  # the torn last line of a killed run
    with atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    return open(path, "a", encoding="utf-8")


def read_log(path: Path) -> list[dict[str, float]]:
    """The lines of a log: step, pixels, seconds, lr, loss, and at some validation_psnr (dB); none without a
    log. A torn last line is left out."""
    lines = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return lines


def no_log() -> IO[str]:
    """A log that keeps nothing, for all processes but the first."""
    return open(os.devnull, "w", encoding="utf-8")
