"""Checking a placed data set against the registry: every file's sha256, none missing, none extra."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from normeq.errors import NormeqError, few
from normeq.imaging.strays import is_stray, walk
from normeq.suite.data import listing, registry
from normeq.suite.data.registry import Record


@dataclass(frozen=True)
class Difference:
    """How a folder differs from a manifest: file names, each tuple sorted. False when it does not differ."""

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.extra)

    def __str__(self) -> str:
        parts = [("changed", self.changed), ("missing", self.missing), ("extra", self.extra)]
        return "; ".join(f"{what} {few(names)}" for what, names in parts if names)


def compare(folder: Path, manifest: Mapping[str, Record]) -> Difference:
    """How the files in ``folder`` (sub-folders included, hidden ones not) differ from ``manifest``; reads
    every file once."""
    present = {path.as_posix() for path in walk(folder) if path.as_posix() in manifest or not is_stray(path)}
    return Difference(
        changed=tuple(sorted(f for f in present & set(manifest) if sha256(folder / f) != manifest[f].sha256)),
        missing=tuple(sorted(set(manifest) - present)),
        extra=tuple(sorted(present - set(manifest))),
    )


def sha256(path: Path) -> str:
    """The file's sha256 in hex; "" (equal to no hash) when it cannot be read, such as a dangling link."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def verify(name: str, data_dir: Path | str = "data") -> int:
    """Check the placed data set and return its number of images; manual sets have no hashes and are counted.

    Raises:
        NormeqError: unknown data set, missing folder, or a changed, missing or extra file (named).
    """
    data_dir = Path(data_dir)
    dataset = registry.get(name, data_dir)
    if dataset.kind == "group":
        return sum(verify(member, data_dir) for member in dataset.members)
    name = name if dataset.path is not None else dataset.name  # also where its folder was named
    if dataset.kind == "manual" or not (data_dir / name).is_dir():
        return len(listing.list_images(name, data_dir).images)
    difference = compare(data_dir / name, dataset.manifest)
    if difference:
        raise NormeqError(
            f"{data_dir / name} is not the pinned {name}: {difference}: {mend(dataset, data_dir)}"
        )
    return len(dataset.manifest)


def mend(dataset: registry.Dataset, data_dir: Path) -> str:
    """What to do with a folder that is not as pinned: nothing of the user's is ever deleted for her."""
    folder = data_dir / dataset.name
    return f"move it away (mv {folder} {folder}.old), then {listing.remedy(dataset, data_dir)}"
