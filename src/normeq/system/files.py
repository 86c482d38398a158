"""Writing files so that nothing is ever half-written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from normeq.errors import NormeqError, is_out_of_memory

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PLACES = 8  # hidden files beside one file, of processes that write it at once
LEFT = re.compile(r"\..+\.([0-9a-f]{6}-\d|\d+)(\.\w+)?")  # names of hidden files


@contextmanager
def atomic_path(path: str | Path, keep: Callable[[], bool] | None = None) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` on success, remove it on failure.

    Parent folders are made. The temporary name keeps the suffix of ``path``, because writers look at it. What
    a killed process left under such a name is removed by the next one that writes ``path`` on this machine.

    Args:
        keep: asked on failure: whether the temporary file is worth going on from, and stays (:func:`begun`).
            With it, what was left before stays too (see :func:`remove_begun`); of eight the smallest makes
            place.

    Raises:
        NormeqError: ``path`` is a folder or a device; full disk, missing permission, or another error of the
            file system; the message names ``path``, or the other file that the error is about. What is at
            ``path``, if anything, is left as it was.
    """
    path = Path(path)
    refuse_no_file(path)
    # For where files cannot be locked.
    temporary = path.with_name(f".{path.stem}.{threading.get_native_id()}{path.suffix}")
    lock, written = None, False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary, lock = _take_place(path, temporary, spare=keep is not None)
        yield temporary
        with open(temporary, "rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        written = True  # from now on the temporary name is another's
    except OSError as error:
        if is_out_of_memory(error):
            raise
        about = None if error.filename is None else Path(os.fsdecode(error.filename))
        if about not in (None, path, temporary, *path.parents):  # such as an image that cannot be read
            raise NormeqError(f"{about}: {error.strerror or error}") from error
        if about is None and error.errno is None:  # of a library, not of the file system
            raise NormeqError(f"{path} was not written: {error}") from error
        raise NormeqError(describe_os_error(error, path)) from error
    finally:
        with suppress(OSError):  # never hide the first error, such as a parent that is a file
            kept = keep is not None and lock is not None and keep()
            if not written and not kept:
                temporary.unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)


def begun(path: str | Path) -> list[Path]:
    """Hidden files beside ``path`` of processes that were writing it, or are."""
    path = Path(path)
    name = re.compile(rf"\.{re.escape(path.stem)}\.([0-9a-f]{{6}}-\d|\d+){re.escape(path.suffix)}")
    if not path.parent.is_dir():
        return []
    return sorted(file for file in path.parent.iterdir() if name.fullmatch(file.name) and file.is_file())


def remove_begun(path: str | Path, spare: Callable[[Path], bool] = lambda _: False) -> None:
    """Remove the hidden files of ``path`` that this machine's processes left; not what one is writing.

    Args:
        spare: asked of each: whether it stays.
    """
    for place in _places(Path(path)):
        handle = _lock(place, create=False)
        if handle is not None:
            if not spare(place):
                place.unlink(missing_ok=True)
            os.close(handle)


def _places(path: Path) -> list[Path]:
    """Names of hidden files beside ``path``, for the processes of this machine."""
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
    return [path.with_name(f".{path.stem}.{host}-{number}{path.suffix}") for number in range(PLACES)]


def _take_place(path: Path, otherwise: Path, spare: bool) -> tuple[Path, int | None]:
    """An empty hidden file beside ``path``, locked as long as this process lives and holds the handle.

    The lock tells what is being written from what a killed process left, which is removed, unless ``spare``
    says to leave it. The machine stands in the name, since locks need not reach further.

    Returns:
        The file and its handle; ``otherwise`` and None where files cannot be locked.
    """
    places = _places(path)
    if spare:
        places = sorted(places, key=_size)
    taken = next((found for place in places if (found := _emptied(place))), None)
    if taken is not None and not spare:
        remove_begun(path)
    return taken or (otherwise, None)


def _emptied(place: Path) -> tuple[Path, int] | None:
    """A file, made, locked and emptied, and its handle; None where it cannot be locked."""
    handle = _lock(place, create=True)
    if handle is None:
        return None
    os.truncate(handle, 0)
    return place, handle


def _size(place: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return place.lstat().st_size
    except OSError:
        return 0


def _lock(place: Path, create: bool) -> int | None:
    """Open and lock a file; None where another process holds it, or files cannot be locked."""
    if fcntl is None:
        return None
    try:
        handle = os.open(place, os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o666)
    except OSError as error:
        if create and error.errno != errno.ELOOP:  # the folder cannot be written: the caller names the file
            raise OSError(error.errno, error.strerror) from error
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.stat(place), os.fstat(handle)):  # else it was just put into place
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def clear_left(folder: Path) -> None:
    """Remove what killed processes left under hidden names, on whatever machine: of a folder that nobody else
    writes into."""
    for file in folder.iterdir() if folder.is_dir() else ():
        if LEFT.fullmatch(file.name) and file.is_file():
            with suppress(OSError):
                file.unlink()


def write_all(files: dict[Path, bytes], complete: Callable[[], None] = lambda: None) -> None:
    """Write several files and rename none into place before all are complete.

    Args:
        files: what is written.
        complete: called then.

    Raises:
        NormeqError: a file cannot be written; older files are then as they were.
    """
    with ExitStack() as stack:
        for path, content in files.items():
            stack.enter_context(atomic_path(path)).write_bytes(content)
        complete()


def refuse_no_file(path: Path) -> None:
    """Refuse a place where something is that is no file: a device would be replaced by one."""
    if path.exists() and not path.is_file():
        what = "it is a folder" if path.is_dir() else "it is not a regular file"
        raise NormeqError(f"cannot write {path}: {what}; name a file")


def refuse_inputs(targets: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Refuse to write over what is read, by whatever name; before anything is made of it.

    Args:
        targets: files that will be written; None where there is none.
        inputs: files that are read.

    Raises:
        NormeqError: a target is one of the inputs.
    """
    files = [file for file in inputs if file is not None and file.is_file()]
    for target in targets:
        for file in files:
            if target is not None and target.exists() and target.samefile(file):
                which = "it" if str(target) == str(file) else f"it is {file}, which"
                raise NormeqError(f"cannot write {target}: {which} is read here; choose another place")


def check_suffix(path: str | Path, suffix: str, what: str) -> None:
    """Refuse a file that a command would fill with what its name does not promise.

    Args:
        path: the file to write.
        suffix: what it must end in, such as ``.csv``.
        what: what will be in it, such as ``a table``.

    Raises:
        NormeqError: another suffix; or a folder or a device is there.
    """
    refuse_no_file(Path(path))
    if Path(path).suffix.lower() != suffix:
        raise NormeqError(f"{path}: {what} is written here: name a file that ends in {suffix}")


def ends_in(suffix: str, what: str) -> Callable[[Path | None], Path | None]:
    """:func:`check_suffix` as the callback of an option, so that it comes before everything else."""

    def check(path: Path | None) -> Path | None:
        if path is not None:
            check_suffix(path, suffix, what)
        return path

    return check


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
    except OSError as error:
        raise NormeqError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # no JSON, no text, brackets without end
        raise NormeqError(f"{path}: not a JSON file ({error})") from None
