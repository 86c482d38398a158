"""One training in a folder at a time: two would write one log and one checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from normeq.errors import NormeqError
from normeq.system.files import describe_os_error

LOCK = ".training.lock"


@contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Hold the folder of a run; the first process of a group holds it for all.

    Raises:
        NormeqError: another process trains there, or the folder cannot be written.
    """
    if int(os.environ.get("RANK", 0)):
        yield
        return
    lock = FileLock(out / LOCK)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise NormeqError(
            f"{out}: another process is training there; wait for it, stop it, or choose another --out folder"
        ) from None
    except OSError as error:
        raise NormeqError(describe_os_error(error, out)) from error
    try:
        yield
    finally:
        with suppress(OSError):  # while it is held: nobody takes a lock on a file without a name
            Path(lock.lock_file).unlink()
        lock.release()
