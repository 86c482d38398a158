"""The file that a user's own denoiser is written in."""

from __future__ import annotations

import os
from pathlib import Path


def source_file(target: str) -> str | None:
    """File below the working directory behind ``file.py:function`` or ``module:function``.

    Returns:
        Its path; None where there is no such file, as for functions of installed packages.
    """
    place = target.rpartition(":")[0]
    file = Path(place if place.endswith(".py") else f"{place.replace('.', os.sep)}.py")
    return str(file) if file.is_file() else None
