"""Getting a data set, whole and verified: from a DVC remote, scikit-image's wheel, or the public origin."""

import logging
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from normeq.errors import NormeqError
from normeq.suite.data import dvc_remote, listing, public, registry, verify
from normeq.suite.data.registry import Dataset
from normeq.suite.data.staging import clear_partial, exclusive, move_into_place, staging
from normeq.system.files import describe_os_error

PUBLIC = "public"  # as a remote: skip DVC and download from the public origin

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Placed:
    """A data set that is in place and verified: its number of images, and where they came from."""

    name: str
    images: int
    source: str


def get(name: str, data_dir: Path | str = "data", remote: str | None = None) -> Placed:
    """Place the data set ``name`` in ``data_dir/name``, or find it there; every file's sha256 is checked.

    In order: what is there already; the DVC remote (``remote``: the name of a configured one, a folder or an
    address; without it the default one, else a configured one that is a local folder); the public origin of
    each file. With ``remote="public"`` DVC is skipped. Embedded sets are copied from scikit-image. Manual
    sets are only looked for. The folder appears whole or not at all, also when several processes get it at
    once.

    Raises:
        NormeqError: unknown data set; a folder there already with other content (never deleted, its files
            named); no source; a changed, missing or extra file (named); full disk; unreachable host.
    """
    data_dir = Path(data_dir)
    dataset = registry.get(name, data_dir)
    if dataset.path is not None:
        return Placed(dataset.name, len(listing.list_images(name, data_dir).images), "a folder")
    if dataset.kind in ("manual", "group"):
        return _find_by_hand(dataset, data_dir, remote)
    name = dataset.name  # also where its folder was named
    place = data_dir / name
    if _usable(dataset, data_dir):  # before the lock: a data folder that cannot be written may be complete
        clear_partial(place)
        return Placed(name, len(dataset.manifest), "already there")
    try:
        with exclusive(place):
            if _usable(dataset, data_dir):
                return Placed(name, len(dataset.manifest), "already there")
            with staging(place) as folder:
                source = _fill(dataset, data_dir, folder, remote)
                move_into_place(folder / name, place)
    except OSError as error:
        raise NormeqError(describe_os_error(error, place)) from error
    return Placed(name, len(dataset.manifest), source)


def _usable(dataset: Dataset, data_dir: Path) -> bool:
    """True: there and verified. False: not there, empty, or only files missing, so that it can be completed.

    Raises:
        NormeqError: there with other content.
    """
    place = data_dir / dataset.name
    if not place.exists() and not place.is_symlink():
        return False
    if not place.is_dir():
        raise NormeqError(f"{place} is in the way and is not a folder: move it away")
    difference = verify.compare(place, dataset.manifest)
    if difference.changed or difference.extra or (difference and place.is_symlink()):
        raise NormeqError(
            f"{place} is not the pinned {dataset.name}: {difference}; it was left as it is: "
            f"{verify.mend(dataset, data_dir)}"
        )
    return not difference


def _fill(dataset: Dataset, data_dir: Path, folder: Path, wanted: str | None) -> str:
    """Fill ``folder/NAME`` from the first source that has it, check it, and return the source's name."""
    target = folder / dataset.name
    if dataset.kind == "embedded":
        source = _copy_embedded(dataset, target)
    else:
        source = _pull(dataset, data_dir, folder, wanted) or _download(dataset, target)
    difference = verify.compare(target, dataset.manifest)
    if difference:
        raise NormeqError(
            f"{source} does not give the pinned {dataset.name}: {difference}; nothing was placed: mend that "
            f"source or choose another with --remote (--remote {PUBLIC}: the public origin)"
        )
    return source


def _pull(dataset: Dataset, data_dir: Path, folder: Path, wanted: str | None) -> str | None:
    """Pull by DVC. None when there is no remote, or one that nobody asked for by name does not have it."""
    pins = registry.find_folder(data_dir)
    dvc_remote.check_pin(dataset.name, pins / f"{dataset.name}.dvc")
    if wanted == PUBLIC:
        return None
    remote = dvc_remote.choose(wanted, pins)
    if remote is None:
        return None
    try:
        dvc_remote.pull(dataset.name, pins / f"{dataset.name}.dvc", remote, folder)
    except NormeqError as error:
        if wanted is not None:
            raise
        log.warning("%s; trying the public origin", error)
        shutil.rmtree(folder / dataset.name, ignore_errors=True)
        return None
    return f"DVC remote {remote.name}"


def _download(dataset: Dataset, target: Path) -> str:
    target.mkdir()
    public.download(dataset.name, dataset.manifest, target)
    return "public origin"


def _copy_embedded(dataset: Dataset, target: Path) -> str:
    """Copy the bytes that scikit-image's wheel carries."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise NormeqError(f"{dataset.name} ships inside scikit-image: pip install scikit-image")
    target.mkdir()
    for file in dataset.manifest:
        source = Path(spec.origin).parent / "data" / file
        if source.is_file():
            shutil.copyfile(source, target / file)
    return f"scikit-image {version('scikit-image')}"


def _find_by_hand(dataset: Dataset, data_dir: Path, remote: str | None) -> Placed:
    """Manual sets cannot be fetched: find them, or say for each one that is missing how to place it."""
    names = dataset.members or (dataset.name,)
    members = [registry.get(name, data_dir) for name in names]
    missing = [m for m in members if m.kind == "manual" and not (data_dir / m.name).is_dir()]
    if missing:
        how = "; ".join(f"{data_dir / m.name}: {m.place} ({m.origin})" for m in missing)
        raise NormeqError(f"{dataset.name} is placed by hand: {how}")
    for member in members:
        if member.kind != "manual":
            get(member.name, data_dir, remote)
    return Placed(dataset.name, len(listing.files(dataset.name, data_dir)), "placed by hand")
