"""Placing a folder whole or not at all: made beside its place, renamed when complete, removed when not."""

import logging
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from normeq.errors import NormeqError
from normeq.system.files import describe_os_error
from normeq.system.locks import clear_lock

log = logging.getLogger(__name__)


@contextmanager
def exclusive(place: Path) -> Iterator[None]:
    """One process at a time works on ``place``; the others wait.

    Raises:
        NormeqError: the folder around ``place`` cannot be made or written, or the disk is full.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place.with_name(f".{place.name}.lock"))
        try:
            lock.acquire(blocking=False)
        except Timeout:
            log.warning("%s: another process is getting it, waiting", place.name)
            lock.acquire()
    except OSError as error:
        raise NormeqError(describe_os_error(error, place)) from error
    try:
        yield
    finally:
        with suppress(
            OSError
        ):  # while it is held: filelock takes no lock on a file that has no name any more
            Path(lock.lock_file).unlink()
        lock.release()


def clear_partial(place: Path) -> None:
    """Remove what a killed process left beside ``place``, unless one is at work there."""
    lock, folder = place.with_name(f".{place.name}.lock"), place.with_name(f".{place.name}.partial")
    if (clear_lock(lock) or not lock.exists()) and folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def staging(place: Path) -> Iterator[Path]:
    """An empty hidden folder beside ``place`` (same file system), gone afterwards, Ctrl-C and SIGTERM
    included.

    Use within ``exclusive(place)``: what a killed process left there is cleared first.
    """
    folder = place.with_name(f".{place.name}.partial")
    shutil.rmtree(folder, ignore_errors=True)
    with _signals_as_exit():
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def move_into_place(new: Path, place: Path) -> None:
    """Rename the folder ``new`` to ``place``; a folder there before is kept until the new one stands.

    Both must be in folders of one file system, and what stood at ``place`` must be worth nothing beside
    ``new``.
    """
    old = new.with_name(f"{new.name}.replaced")
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    except BaseException:
        if old.exists():
            old.rename(place)
        raise


@contextmanager
def _signals_as_exit() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that ``finally`` runs (main thread only)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
