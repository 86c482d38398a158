"""The registry of data sets: ``datasets.yaml``, ``files.csv`` and the DVC pins in ``data/``, as typed
objects.

The sets that ship inside scikit-image need no clone: ``datasets.yaml`` is in the package as well, by a link.
"""

import csv
import hashlib
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from normeq.errors import NormeqError
from normeq.suite.config.yaml_files import load_yaml
from normeq.suite.data.dvc_guarded import is_plain
from normeq.system.hashes import sha256_of

Kind = Literal["dvc", "embedded", "manual", "group"]

REGISTRY = "datasets.yaml"
MANIFEST = "files.csv"
PACKAGED = Path(__file__).parent
CHECKOUT = Path(__file__).resolve().parents[4] / "data"
MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")  # of a file or a folder, as DVC pins it
NAME = re.compile(r"\w[^/\\\x00-\x1f]*")  # of a data set, which is that of its folder


@dataclass(frozen=True)
class Record:
    """What one file must be: its sha256 (hex); its public address, terms ("" when not given) and (height,
    width) in pixels (None when not given)."""

    sha256: str
    url: str = ""
    terms: str = ""
    shape: tuple[int, int] | None = None


@dataclass(frozen=True)
class Dataset:
    """One entry of the registry, or a folder of images.

    ``manifest`` maps file name to ``Record``; empty for manual sets and groups. ``range`` holds the sample
    values (lowest, highest) that become 0 and 1; None: what the files call black and white. ``path`` is the
    folder that was named in place of an entry, else None.
    """

    name: str
    title: str
    kind: Kind
    files: int | None
    origin: str
    terms: str
    redistribution: str
    place: str
    notes: str = ""
    version: int | None = None
    members: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    manifest: dict[str, Record] = field(default_factory=dict)
    path: Path | None = None

    def folder(self, data_dir: Path) -> Path:
        """The folder that holds its images; a group has none."""
        return data_dir / self.name if self.path is None else self.path


class _NoRegistry(NormeqError):
    """There is no registry but that of the package."""


def find_folder(data_dir: Path | None = None) -> Path:
    """The folder with the registry: ``data_dir``, else ``./data``, else the ``data`` of this code's checkout.

    Raises:
        NormeqError: no such folder holds ``datasets.yaml``.
    """
    candidates = [Path("data"), CHECKOUT] if data_dir is None else [Path(data_dir), Path("data"), CHECKOUT]
    for folder in candidates:
        if os.path.lexists(folder / REGISTRY):  # a broken link is a mistake, not a reason to look elsewhere
            return folder
    raise _NoRegistry(f"no {REGISTRY} in {candidates[0]} or ./data: run this in a clone of the repository")


def load(data_dir: Path | None = None) -> dict[str, Dataset]:
    """Every data set by name, in the registry's order; and those of scikit-image where it lacks them.

    Raises:
        NormeqError: the registry cannot be read, is not YAML, or has an unknown, missing or wrong key.
    """
    try:
        folder = find_folder(data_dir)
        datasets = _load(folder)
    except _NoRegistry:  # outside of a clone
        folder, datasets = PACKAGED, {}
    if not {"skimage-test", "skimage-train"} <= set(datasets):
        datasets = datasets | {k: v for k, v in _load(PACKAGED, "embedded").items() if k not in datasets}
    for dataset in datasets.values():
        _check_members(dataset.name, datasets, folder / REGISTRY)
    return datasets


def get(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set ``name``: of the registry, or a folder of images, named by a path with a ``/`` in it.

    A folder is called by its own name in tables, however it was reached; that of a set of the registry is
    that set.

    Raises:
        NormeqError: no such data set; the line lists those there are. Another folder with the name of one.
    """
    if "/" in name or os.sep in name:
        path = Path(name).expanduser()
        what = {key: f"the folder {path}" for key in ("title", "origin", "place")}
        called = path.resolve().name or path.anchor
        registered = _of_name(called, data_dir)
        if registered is not None:
            own = registered.folder(Path("data") if data_dir is None else Path(data_dir))
            if registered.kind != "group" and own.resolve() == path.resolve():
                return registered
            raise NormeqError(
                f"{name}: tables would call it {registered.name}, a data set of the registry: rename the"
                f" folder, or name {registered.name} itself"
            )
        return Dataset(called, kind="manual", files=None, terms="", redistribution="", path=path, **what)
    datasets = load(data_dir)
    if name not in datasets:
        hint = f"; for the folder of that name write ./{name}" if Path(name).is_dir() else ""
        try:
            find_folder(data_dir)
        except _NoRegistry:
            hint += "; the others are known in a clone of the repository"
        raise NormeqError(f"unknown data set {name!r}: choose from {', '.join(datasets)}{hint}")
    return datasets[name]


def _of_name(called: str, data_dir: Path | None) -> Dataset | None:
    """The entry that a name would be taken for, by whatever case: published values are found so."""
    try:
        datasets = load(data_dir)
    except NormeqError:  # a folder needs no registry
        return None
    same = [dataset for name, dataset in datasets.items() if name.casefold() == called.casefold()]
    return datasets.get(called) or next(iter(same), None)


def pin(name: str, data_dir: Path | None = None) -> str:
    """A short text that changes when, and only when, the data set's content does.

    dvc: the directory md5 in ``NAME.dvc``. embedded: a hash over the sha256 list. manual, with a number of
    files and a ``version``: these, as the entry promises. Any other manual set: a hash over its images' names
    and bytes, which are read when they have changed; ``NAME-absent`` where there are none. group: a hash over
    its members' pins. A declared range is part of it.

    Raises:
        NormeqError: unknown data set, or a ``.dvc`` file that is missing or holds no md5.
    """
    dataset = get(name, data_dir)
    if dataset.path is None:
        name = dataset.name  # also where its folder was named
    span = "" if dataset.range is None else "-range{:g}-{:g}".format(*dataset.range)
    if dataset.kind == "dvc":
        return _dvc_md5(find_folder(data_dir) / f"{name}.dvc") + span
    if dataset.kind == "embedded":
        return _digest(f"{file} {record.sha256}" for file, record in sorted(dataset.manifest.items())) + span
    if dataset.kind == "group":
        return _digest(pin(member, data_dir) for member in dataset.members)
    if dataset.files is not None and dataset.version is not None:
        return f"{name}-{dataset.files}-v{dataset.version}{span}"
    return _content_pin(dataset, name, Path("data") if data_dir is None else Path(data_dir))


# Words about a data set, which do not change its images.
WORDS = ("title", "kind", "origin", "terms", "redistribution", "place", "notes", "manifest", "path")


def _content_pin(dataset: Dataset, name: str, data_dir: Path) -> str:
    """The pin of images that nobody has listed: all that is there counts."""
    from normeq.suite.data import listing  # which reads the registry itself

    try:
        hashes = sha256_of(listing.files(name, data_dir))
    except NormeqError:  # whoever needs the images says what is wrong
        return f"{dataset.name}-absent"
    start = os.path.commonpath([path.parent for path in hashes])
    entry = {f.name: getattr(dataset, f.name) for f in fields(dataset) if f.name not in WORDS}
    lines = [f"{os.path.relpath(path, start)} {sha256}" for path, sha256 in sorted(hashes.items())]
    return f"{dataset.name}-{_digest([repr(sorted(entry.items())), *lines])}"


def _load(folder: Path, kind: Kind | None = None) -> dict[str, Dataset]:
    """What the files of one folder say, of data sets of one kind or of all."""
    path = folder / REGISTRY
    try:
        entries = load_yaml(path.read_bytes(), path)
    except OSError as error:
        raise NormeqError(f"{path} cannot be read: {error.strerror}") from error
    if not isinstance(entries, dict) or not entries:
        raise NormeqError(
            f"{path} must map names of data sets to what they are (data/README.md), not {_seen(entries)}"
        )
    for name, values in entries.items():
        if not isinstance(name, str):
            raise NormeqError(f"{path}: the name {name!r} is no text: write it in quotes")
        if not NAME.fullmatch(name):
            raise NormeqError(
                f"{path}: the name {name!r} cannot be that of a folder: use letters, digits and -"
            )
        if not isinstance(values, dict):
            raise NormeqError(
                f"{path}: {name}: must be a mapping of title, kind and more, not {_seen(values)}"
            )
    if kind is not None:
        entries = {name: values for name, values in entries.items() if values.get("kind") == kind}
    pinned = any(values.get("kind") == "dvc" for values in entries.values())
    manifests = _manifests(folder / MANIFEST) if pinned or (folder / MANIFEST).exists() else {}
    return {name: _entry(path, name, values, manifests.get(name, {})) for name, values in entries.items()}


def _manifests(path: Path) -> dict[str, dict[str, Record]]:
    """The rows of ``files.csv``, by data set and file."""
    manifests: dict[str, dict[str, Record]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                shape = (int(row["height"]), int(row["width"])) if row.get("height") else None
                record = Record(row["sha256"], row["origin_url"], shape=shape)
                manifests.setdefault(row["dataset"], {})[row["file"]] = record
    except FileNotFoundError as error:
        raise NormeqError(f"{path}: no such file, and {REGISTRY} has a data set of kind dvc") from error
    except OSError as error:
        raise NormeqError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:  # encoding, columns, numbers
        line = " ".join(f"{type(error).__name__}: {error}".split())
        raise NormeqError(
            f"{path} is not a table of dataset, file, sha256, origin_url, height and width ({line})"
        ) from error
    return manifests


def _seen(value: object) -> str:
    """A value for a message, short."""
    return "nothing" if value is None else f"{value!r:.60}"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_range(value: object) -> bool:
    pair = isinstance(value, list) and len(value) == 2
    numbers = pair and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    return numbers and all(map(math.isfinite, value)) and value[0] < value[1]


def _is_images(value: object) -> bool:
    keys = {"file", "sha256", "terms"}
    return isinstance(value, list) and all(
        isinstance(image, dict) and set(image) == keys and all(map(_is_text, image.values()))
        for image in value
    )


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("title", "origin", "terms", "redistribution", "place", "notes"), (_is_text, "a text")),
    "files": (lambda value: value is None or _is_whole(value), "a whole number above 0, or null"),
    "version": (_is_whole, "a whole number above 0"),
    "members": (lambda value: isinstance(value, list) and all(map(_is_text, value)), "a list of names"),
    "images": (_is_images, "a list of file, sha256 and terms"),
    "range": (_is_range, "[lowest, highest] sample value, two numbers in this order"),
}


def _entry(path: Path, name: str, values: dict, manifest: dict[str, Record]) -> Dataset:
    """Checks one entry of the YAML and joins it with its manifest."""
    values = dict(values)
    known = {f.name for f in fields(Dataset)} - {"name", "manifest", "path"} | {"images"}
    required = ("title", "kind", "files", "origin", "terms", "redistribution", "place")
    for key in values:
        if key not in known:
            raise NormeqError(f"{path}: {name}: unknown key {key!r} (known: {', '.join(sorted(known))})")
    for key in required:
        if key not in values:
            raise NormeqError(f"{path}: {name}: missing key {key!r}")
    if values["kind"] not in get_args(Kind):
        raise NormeqError(
            f"{path}: {name}: kind {_seen(values['kind'])} is not one of {', '.join(get_args(Kind))}"
        )
    for key, (is_right, what) in CHECKS.items():
        if key in values and not is_right(values[key]):
            raise NormeqError(f"{path}: {name}: {key} must be {what}, not {_seen(values[key])}")
    for image in values.pop("images", []):
        manifest[image["file"]] = Record(image["sha256"], terms=image["terms"])
    for file in manifest:
        if not is_plain(file):
            raise NormeqError(
                f"{path.parent}: {name}: the file {_seen(file)} is listed, which is outside of its folder"
            )
    if values["kind"] in ("dvc", "embedded") and len(manifest) != values["files"]:
        raise NormeqError(f"{path}: {name}: files is {values['files']}, but {len(manifest)} are listed")
    if values["kind"] == "group" and "range" in values:
        raise NormeqError(f"{path}: {name}: a group has no range: declare those of its members")
    values["members"] = tuple(values.get("members", ()))
    values["range"] = tuple(map(float, values["range"])) if "range" in values else None
    return Dataset(name=name, manifest=manifest, **values)


def _check_members(name: str, datasets: dict[str, Dataset], path: Path, above: tuple[str, ...] = ()) -> None:
    """Refuse groups of unknown members, of one member twice, and such as contain themselves."""
    dataset = datasets[name]
    if name in above:
        raise NormeqError(f"{path}: {name}: this group contains itself")
    for member in dataset.members:
        if member not in datasets:
            raise NormeqError(f"{path}: {name}: unknown member {member}")
        _check_members(member, datasets, path, (*above, name))
    if dataset.kind == "group" and not dataset.members:
        raise NormeqError(f"{path}: {name}: a group needs members")
    if dataset.kind != "group" and dataset.members:
        raise NormeqError(f"{path}: {name}: members are for kind group")
    if len(set(dataset.members)) < len(dataset.members):
        raise NormeqError(f"{path}: {name}: a member stands there twice")


def _dvc_md5(path: Path) -> str:
    try:
        md5 = yaml.safe_load(path.read_text(encoding="utf-8"))["outs"][0]["md5"]
        if not MD5.fullmatch(str(md5)):
            raise ValueError(md5)
        return str(md5)
    except (OSError, ValueError, yaml.YAMLError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise NormeqError(
            f"{path} is missing or is not a DVC pin: restore it with `git checkout -- {path}`"
        ) from error


def _digest(lines) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
