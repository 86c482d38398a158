"""The image files of a placed data set, in a fixed order."""

import logging
from pathlib import Path

from normeq.errors import NormeqError
from normeq.suite.data import registry

IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}

log = logging.getLogger(__name__)


def files(name: str, data_dir: Path | str = "data") -> list[Path]:
    """The images of the data set `name` under `data_dir`, sorted by name; for a group, member after member.

    Only names are looked at, not bytes: `normeq data get` and `normeq data verify` check those. A manual set
    may hold another number of images than the registry says: that is told in one line of warning.

    Raises:
        NormeqError: unknown data set, missing or empty folder, or a missing file; the line says the remedy.
    """
    data_dir = Path(data_dir)
    dataset = registry.get(name, data_dir)
    if dataset.kind == "group":
        return [path for member in dataset.members for path in files(member, data_dir)]
    folder = data_dir / name
    if not folder.is_dir():
        raise NormeqError(f"no folder {folder}: {remedy(dataset, data_dir)}")
    if dataset.kind == "manual":
        found = sorted(
            p for p in folder.rglob("*") if p.suffix.lower() in IMAGES and not p.name.startswith(".")
        )
        if not found:
            raise NormeqError(f"no images in {folder}: {remedy(dataset, data_dir)}")
        if dataset.files is not None and len(found) != dataset.files:
            log.warning(
                "%s: %d images in %s, the registry expects %d", name, len(found), folder, dataset.files
            )
        return found
    missing = [file for file in sorted(dataset.manifest) if not (folder / file).is_file()]
    if missing:
        few = f"{missing[0]} and {len(missing) - 1} more" if len(missing) > 1 else missing[0]
        raise NormeqError(f"{folder} lacks {few}: {remedy(dataset, data_dir)}")
    return [folder / file for file in sorted(dataset.manifest)]


def image_file(image: str, data_dir: Path | str = "data") -> Path:
    """The file of one image written `DATASET/STEM`, such as `set12/02`.

    Raises:
        NormeqError: not of that form, or no (or more than one) such image in the data set.
    """
    name, slash, stem = image.partition("/")
    if not (name and slash and stem):
        raise NormeqError(f"image {image!r} is not of the form DATASET/IMAGE, such as set12/02")
    found = [path for path in files(name, data_dir) if stem in (path.stem, path.name)]
    if len(found) != 1:
        raise NormeqError(
            f"{len(found)} images named {stem!r} in data set {name}: give one image's file name"
        )
    return found[0]


def remedy(dataset: registry.Dataset, data_dir: Path) -> str:
    """What the user can do to get the data set."""
    if dataset.kind == "manual":
        return f"place it by hand ({dataset.place}; origin: {dataset.origin})"
    option = "" if data_dir == Path("data") else f" --data-dir {data_dir}"
    return f"run `normeq data get {dataset.name}{option}`"
