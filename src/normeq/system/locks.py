"""Locks that killed processes left behind."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from filelock import FileLock


def clear_lock(path: Path) -> bool:
    """Remove the file of a lock that nobody holds; a folder that cannot be written is left as it is.

    Returns:
        Whether it was there and is gone.
    """
    if not path.exists():
        return False
    lock = FileLock(path)
    with suppress(OSError):  # held by another process, or read-only
        lock.acquire(blocking=False)
        try:
            path.unlink()
            return True
        finally:
            lock.release()
    return False
