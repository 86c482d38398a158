"""The record beside a collected table: what it was made from. Rows of a part that is not there any more, as
in a fresh clone, are taken from the table, so that parts need not be kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from normeq.system.files import atomic_path


@dataclass(frozen=True)
class Collected:
    """What the record of a collected table says of it.

    Attributes:
        key: of what it was made from; "" where nothing is known of it.
        parts: part -> labels of the denoisers whose rows are those of the part.
        edited: whether the table is another one than that of the record.
    """

    key: str = ""
    parts: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    edited: bool = False


def read_collected(table: str | Path, record: str | Path) -> Collected:
    """Read the record of a collected table, and see whether it is still that of the table.

    Returns:
        An empty one where table or record is missing, or the record is none.
    """
    try:
        said = json.loads(Path(record).read_text(encoding="utf-8"))
        key, sha256 = str(said["key"]), str(said["sha256"])
        parts = {str(part): [list(map(str, label)) for label in of] for part, of in said["parts"].items()}
        found = _sha256(table)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Collected()
    return Collected(key, parts) if found == sha256 else Collected(edited=True)


def write_record(
    record: str | Path, table: str | Path, key: str, labels: Mapping[str, Sequence[Sequence[str]]]
) -> None:
    """Write the record of a collected table.

    Args:
        record: file to write.
        table: the collected table.
        key: of what it was made from.
        labels: part -> labels of the denoisers in it. Parts that share one are left out: the table does not
            say which row is whose.
    """
    taken = [tuple(label) for of in labels.values() for label in of]
    parts = ",\n".join(  # a line for each, for `git diff`
        f"    {json.dumps(str(part))}: {json.dumps([list(label) for label in of])}"
        for part, of in labels.items()
        if all(taken.count(tuple(label)) == 1 for label in of)
    )
    head = f'  "key": {json.dumps(key)},\n  "sha256": "{_sha256(table)}",\n'
    with atomic_path(record) as temporary:
        temporary.write_text(f'{{\n{head}  "parts": {{\n{parts}\n  }}\n}}\n', encoding="utf-8")


def _sha256(file: str | Path) -> str:
    with open(file, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
