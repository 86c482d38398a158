"""The log of a run: one JSON object per line."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from normeq.errors import NormeqError
from normeq.system.files import atomic_path, describe_os_error
from normeq.system.seals import unseal, warn_of_broken


def open_log(path: Path, step: int) -> Log:
    """Open the log for appending, without the lines that a run resumed at ``step`` will write again."""
    lines = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                if json.loads(line)["step"] <= step:
                    lines.append(line + "\n")
            except (ValueError, KeyError, TypeError):
                break  # the torn last line of a killed run
    with atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
        unseal(path)
    try:
        return Log(path, open(path, "a", encoding="utf-8"))
    except OSError as error:
        raise NormeqError(describe_os_error(error, path)) from error


def read_log(path: Path) -> list[dict[str, float]]:
    """The lines of a log: step, pixels, seconds, lr, loss, and at some validation_psnr (dB); none without a
    log. A torn last line is left out."""
    lines = []
    if path.is_file():
        warn_of_broken(path)
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                record = json.loads(line)
            except ValueError:
                break
            if not isinstance(record, dict) or not all(map(_is_number, record.values())):
                break
            lines.append(record)
    return lines


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Log:
    """A log that is open, whose errors name the file.

    Args:
        path: the file.
        handle: of it.
    """

    def __init__(self, path: Path, handle: IO[str]) -> None:
        self.path, self.handle = path, handle

    def write(self, line: str) -> None:
        """Write one line at once.

        Raises:
            NormeqError: full disk, or another error of the file system.
        """
        try:
            self.handle.write(line)
            self.handle.flush()
        except OSError as error:
            raise NormeqError(describe_os_error(error, self.path)) from error

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # of what could not be written before
            self.handle.close()


def no_log() -> Log:
    """A log that keeps nothing, for all processes but the first."""
    return Log(Path(os.devnull), open(os.devnull, "w", encoding="utf-8"))
