"""SHA-256 of files that are asked for again and again: read once, and again when they may have changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from normeq.errors import NormeqError
from normeq.system.files import atomic_path

CACHE = "hashes.json"
SETTLED = 2.0  # seconds after which a file's times tell a change; some file systems count whole seconds
KEPT = 200_000  # entries of the cache; an older, fuller one is started anew


def cache_file() -> Path:
    """Where hashes are remembered: ``$XDG_CACHE_HOME/normeq`` or ``~/.cache/normeq``, never the data folder,
    which may be read-only."""
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base if base else "~/.cache").expanduser() / "normeq" / CACHE


def sha256_of(paths: Iterable[str | Path]) -> dict[Path, str]:
    """SHA-256 (hex) of the content of each file.

    A file is read unless its path, size, inode and times of change are those of when it was last read. That
    the cache cannot be read or written costs time only.

    Raises:
        NormeqError: a file cannot be read.
    """
    paths = [Path(path) for path in paths]
    if not paths:
        return {}
    known, new = _read_cache(), {}
    found: dict[Path, str] = {}
    for path in paths:
        try:
            absolute = str(path.resolve())
            state = os.stat(absolute)
            key = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
            entry = known.get(absolute)
            if isinstance(entry, list) and entry[:4] == key and isinstance(entry[-1], str):
                found[path] = entry[-1]
                continue
            with open(absolute, "rb") as handle:
                found[path] = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError as error:
            raise NormeqError(f"cannot read {path}: {error.strerror or error}") from None
        if time.time() - max(state.st_mtime_ns, state.st_ctime_ns) / 1e9 > SETTLED:
            new[absolute] = [*key, found[path]]
    if new:
        with suppress(NormeqError, OSError), atomic_path(cache_file()) as temporary:
            everything = _read_cache() | new  # others may have written meanwhile
            temporary.write_text(json.dumps(everything if len(everything) < KEPT else new), encoding="utf-8")
    return found


def _read_cache() -> dict[str, list]:
    try:
        content = json.loads(cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # RuntimeError: no home folder
        return {}
    return content if isinstance(content, dict) else {}


def digest(content: object) -> str:
    """SHA-256 (hex) of something made of dicts, lists, text and numbers."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
