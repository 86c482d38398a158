"""Seals: the SHA-256 of a file that was written here, in a hidden file beside it, so that damage is noticed.

A file of numbers says nothing of a flipped bit in it. A seal is no part of a result: a file without one, as
after `git clone` or a copy, is taken as it is.
"""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

from normeq.errors import NormeqError

log = logging.getLogger(__name__)


def seal_file(path: str | Path) -> Path:
    """The file with the seal of a file."""
    path = Path(path)
    return path.with_name(f".{path.name}.sha256")


def unseal(*paths: str | Path) -> None:
    """Take seals off, when the new content is complete and about to stand there: a file that stays as it was,
    since the new one failed, keeps its seal."""
    for path in paths:
        with suppress(OSError):
            seal_file(path).unlink(missing_ok=True)


def seal(path: str | Path) -> None:
    """Put a seal on a file that is complete. That it cannot be written costs the check only."""
    with suppress(OSError):
        seal_file(path).write_text(_sha256(Path(path)), encoding="ascii")


def is_intact(path: str | Path) -> bool:
    """Whether a file is as it was when it was sealed; also where there is no seal, or no file."""
    try:
        said = seal_file(path).read_bytes().decode("ascii", "replace").strip()
        return not re.fullmatch("[0-9a-f]{64}", said) or said == _sha256(Path(path))
    except OSError:
        return True


def refuse_broken(path: str | Path) -> None:
    """Refuse a file that is another than was sealed.

    Raises:
        NormeqError: it is; the line says the remedy.
    """
    if not is_intact(path):
        raise NormeqError(
            f"{path}: edited or damaged since it was written: delete it, and what made it makes it again "
            f"(to keep it as it is, delete {seal_file(path)})"
        )


def warn_of_broken(path: str | Path) -> None:
    """Say, once, that a file is another than was sealed, where that may be meant."""
    if not is_intact(path):
        _say_once(f"{path}: edited, replaced or damaged since it was written here")


@cache
def _say_once(line: str) -> None:
    log.warning("normeq: warning: %s", line)


def _sha256(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
