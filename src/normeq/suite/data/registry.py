"""The registry of data sets: `datasets.yaml`, `files.csv` and the DVC pins in `data/`, as typed objects."""

import csv
import hashlib
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

import yaml

from normeq.errors import NormeqError
from normeq.system.hashes import sha256_of

Kind = Literal["dvc", "embedded", "manual", "group"]

REGISTRY = "datasets.yaml"
MANIFEST = "files.csv"


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
    """One entry of the registry. `manifest` maps file name to `Record`; empty for manual sets and groups."""

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
    manifest: dict[str, Record] = field(default_factory=dict)


def find_folder(data_dir: Path | None = None) -> Path:
    """The folder with the registry: `data_dir`, else `./data`, else the `data` of this code's checkout.

    Raises:
        NormeqError: no such folder holds `datasets.yaml`.
    """
    checkout = Path(__file__).resolve().parents[4] / "data"
    candidates = [Path("data"), checkout] if data_dir is None else [Path(data_dir), Path("data"), checkout]
    for folder in candidates:
        if (folder / REGISTRY).is_file():
            return folder
    raise NormeqError(f"no {REGISTRY} in {candidates[0]} or ./data: run this in a clone of the repository")


def load(data_dir: Path | None = None) -> dict[str, Dataset]:
    """Every data set by name, in the registry's order.

    Raises:
        NormeqError: the registry is missing, is not YAML, or has an unknown or missing key (named).
    """
    folder = find_folder(data_dir)
    try:
        entries = yaml.safe_load((folder / REGISTRY).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise NormeqError(f"{folder / REGISTRY} is not YAML: {' '.join(str(error).split())}") from error
    with (folder / MANIFEST).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    manifests: dict[str, dict[str, Record]] = {}
    for row in rows:
        shape = (int(row["height"]), int(row["width"])) if row.get("height") else None
        record = Record(row["sha256"], row["origin_url"], shape=shape)
        manifests.setdefault(row["dataset"], {})[row["file"]] = record
    datasets = {name: _entry(name, values, manifests.get(name, {})) for name, values in entries.items()}
    for dataset in datasets.values():
        for member in dataset.members:
            if member not in datasets:
                raise NormeqError(f"{REGISTRY}: {dataset.name}: unknown member {member}")
    return datasets


def get(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set `name`.

    Raises:
        NormeqError: no such data set; the line lists those there are.
    """
    datasets = load(data_dir)
    if name not in datasets:
        raise NormeqError(f"unknown data set {name!r}: choose from {', '.join(datasets)}")
    return datasets[name]


def pin(name: str, data_dir: Path | None = None) -> str:
    """A short text that changes when, and only when, the data set's content does.

    dvc: the directory md5 in `NAME.dvc`. embedded: a hash over the sha256 list. manual, with a number of
    files and a `version`: these, as the entry promises. Any other manual set: a hash over its images' names
    and bytes, which are read when they have changed; `NAME-absent` where there are none. group: a hash over
    its members' pins.

    Raises:
        NormeqError: unknown data set, or a `.dvc` file that is missing or holds no md5.
    """
    dataset = get(name, data_dir)
    if dataset.kind == "dvc":
        return _dvc_md5(find_folder(data_dir) / f"{name}.dvc")
    if dataset.kind == "embedded":
        return _digest(f"{file} {record.sha256}" for file, record in sorted(dataset.manifest.items()))
    if dataset.kind == "group":
        return _digest(pin(member, data_dir) for member in dataset.members)
    if dataset.files is not None and dataset.version is not None:
        return f"{name}-{dataset.files}-v{dataset.version}"
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


def _entry(name: str, values: dict, manifest: dict[str, Record]) -> Dataset:
    """Checks one entry of the YAML and joins it with its manifest."""
    values = dict(values)
    for image in values.pop("images", []):
        manifest[image["file"]] = Record(image["sha256"], terms=image["terms"])
    known = {f.name for f in fields(Dataset)} - {"name", "manifest"}
    required = {"title", "kind", "files", "origin", "terms", "redistribution", "place"}
    for key in sorted(set(values) - known):
        raise NormeqError(
            f"{REGISTRY}: {name}: unknown key {key!r} (known: {', '.join(sorted(known))}, images)"
        )
    for key in sorted(required - set(values)):
        raise NormeqError(f"{REGISTRY}: {name}: missing key {key!r}")
    if values["kind"] not in get_args(Kind):
        raise NormeqError(
            f"{REGISTRY}: {name}: kind {values['kind']!r} is not one of {', '.join(get_args(Kind))}"
        )
    if values["kind"] in ("dvc", "embedded") and len(manifest) != values["files"]:
        raise NormeqError(f"{REGISTRY}: {name}: files is {values['files']}, but {len(manifest)} are listed")
    values["members"] = tuple(values.get("members", ()))
    return Dataset(name=name, manifest=manifest, **values)


def _dvc_md5(path: Path) -> str:
    try:
        return str(yaml.safe_load(path.read_text(encoding="utf-8"))["outs"][0]["md5"])
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        raise NormeqError(
            f"{path} is missing or is not a DVC pin: restore it with `git checkout -- {path}`"
        ) from error


def _digest(lines) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
