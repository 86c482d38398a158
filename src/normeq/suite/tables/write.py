"""Writing the files of one table or figure together."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from normeq.system.files import atomic_path


def write_all(files: dict[Path, bytes]) -> None:
    """Write several files and rename none into place before all are complete.

    Raises:
        NormeqError: a file cannot be written; older files are then as they were.
    """
    with ExitStack() as stack:
        for path, content in files.items():
            stack.enter_context(atomic_path(path)).write_bytes(content)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """CSV in UTF-8 with full precision (the shortest text that reads back to the same number)."""
    return table.to_csv(index=False, lineterminator="\n").encode()
