"""DVC as a program, ``python -P dvc_guarded.py pull NAME.dvc``, that takes no path from a remote on trust.

What a remote says is in a folder is a list of paths and hashes, and DVC writes to these paths: one with
``..`` would be a file anywhere. The bytes are checked by us, but only when they are there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

HASH = re.compile(r"[0-9a-f]{32}")  # also a path: of the object in the remote and in the cache


def is_plain(path: object) -> bool:
    """Whether a path stays below the folder that it is joined to, on every system."""
    if not isinstance(path, str) or not path or "\0" in path or "\\" in path:
        return False
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
        return False
    return not {"..", ".", ""} & set(path.split("/"))


def check_listing(entries: Sequence[Any]) -> None:
    """Refuse a folder's listing that could write elsewhere.

    Raises:
        ValueError: an entry that is none, a path that is not plain, or a hash that is none.
    """
    for entry in entries:
        path = entry.get("relpath") if isinstance(entry, dict) else entry
        if not is_plain(path):
            raise ValueError(f"the remote lists the file {path!r}, which is outside of the data set")
        if not HASH.fullmatch(str(entry.get("md5"))):
            raise ValueError(f"the remote lists the file {path!r} with a hash that is none")


def main(arguments: Sequence[str]) -> int:
    """Run DVC with these arguments; its exit status."""
    from dvc.cli import main as run
    from dvc_data.hashfile.tree import Tree

    unguarded = Tree.from_list.__func__

    def from_list(cls: type, entries: Sequence[Any], *more: Any, **named: Any) -> Any:
        check_listing(entries)
        return unguarded(cls, entries, *more, **named)

    Tree.from_list = classmethod(from_list)
    return run(list(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
