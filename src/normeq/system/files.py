"""Writing files so that nothing is ever half-written."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from normeq.errors import NormeqError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` on success, remove it on failure.

    Parent folders are made. The temporary name keeps the suffix of ``path``, because writers look at it.

    Raises:
        NormeqError: ``path`` is a folder or a device; full disk, missing permission, or another error of the
            file system; the message names ``path``. What is at ``path``, if anything, is left as it was.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # a device such as /dev/null would be replaced by a file
        what = "it is a folder" if path.is_dir() else "it is not a regular file"
        raise NormeqError(f"cannot write {path}: {what}; name a file")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise NormeqError(describe_os_error(error, path)) from error
    finally:
        with suppress(OSError):  # never hide the first error, such as a parent that is a file
            temporary.unlink(missing_ok=True)


def write_all(files: dict[Path, bytes]) -> None:
    """Write several files and rename none into place before all are complete.

    Raises:
        NormeqError: a file cannot be written; older files are then as they were.
    """
    with ExitStack() as stack:
        for path, content in files.items():
            stack.enter_context(atomic_path(path)).write_bytes(content)


def describe_os_error(error: OSError, path: str | Path) -> str:
    """One line for a failed write to ``path``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"cannot write {path}: the disk is full; free some space and run the same command again"
    return f"cannot write {path}: {error.strerror or error}"


def write_json(path: str | Path, data: Any) -> None:
    """Write JSON atomically, indented, with a final newline."""
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        NormeqError: missing or not JSON; the message names the file.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NormeqError(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise NormeqError(f"{path}: not a JSON file ({error})") from None
