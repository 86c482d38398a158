"""The images of a placed data set, in a fixed order, under fixed names."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from normeq.errors import NormeqError
from normeq.imaging.images import SUFFIXES, Span, is_colour, read_gray, read_gray_bt709, read_samples
from normeq.imaging.names import image_names, split_image
from normeq.imaging.strays import is_stray, walk
from normeq.suite.data import registry

LITTLE = 1 / 4  # of the range of the files: a set that uses less probably has fewer bits than its files

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFile:
    """One image of a data set.

    Attributes:
        dataset: the data set's name, as tables show it.
        name: its name there: the file's stem, or its path in the set without suffix where other files have
            the same stem.
        path: the file.
        relative: its path in the set; of a group, with the member before it.
        span: the values that become 0 and 1, where the registry declares them.
        sha256: of its bytes, where they are pinned.
    """

    dataset: str
    name: str
    path: Path
    relative: Path
    span: Span | None = None
    sha256: str = ""

    def check(self) -> None:
        """See that the bytes are the pinned ones: a flipped bit in a picture is a picture.

        Raises:
            NormeqError: they are not.
        """
        if not self.sha256:
            return
        try:
            with open(self.path, "rb") as handle:
                found = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError as error:
            raise NormeqError(f"{self.path}: {error.strerror}") from None
        if found != self.sha256:
            raise NormeqError(
                f"{self.path}: not the pinned image {self.name} of {self.dataset}: move its folder away and "
                "run `normeq data get` again"
            )

    def gray(self) -> np.ndarray:
        """float32 (H, W) in [0,1]; see :func:`normeq.imaging.images.read_gray`."""
        self.check()
        return read_gray(self.path, self.span)

    def gray_bt709(self) -> np.ndarray:
        """float32 (H, W) in [0,1]; see :func:`normeq.imaging.images.read_gray_bt709`."""
        self.check()
        return read_gray_bt709(self.path, self.span)

    @property
    def colour(self) -> bool:
        """Whether the file holds colour."""
        return is_colour(self.path)


@dataclass(frozen=True)
class Listing:
    """The images of a data set, and how many files of its folder are none, by the reason."""

    images: tuple[ImageFile, ...]
    left_out: dict[str, int] = field(default_factory=dict)


def list_images(name: str, data_dir: Path | str = "data") -> Listing:
    """The images of the data set ``name`` under ``data_dir``, sorted by path; for a group, member after
    member.

    Only names are looked at, not bytes: ``normeq data get`` and ``normeq data verify`` check those. What is
    left out of a folder, and why, is reported in one line of warning, as is a number of images placed by hand
    that is not the registry's.

    Args:
        name: of the registry, or the path of a folder of images, which has a ``/`` in it.
        data_dir: the folder of the data sets.

    Raises:
        NormeqError: unknown data set, missing or empty folder, a missing file, or two files of one name; the
            line says the remedy.
    """
    data_dir = Path(data_dir)
    dataset = registry.get(name, data_dir)
    found: list[tuple[Path, Path, Span | None, str]] = []  # path in the set, file, range, pinned SHA-256
    left_out: Counter[str] = Counter()
    for member in dataset.members:
        part = list_images(member, data_dir)
        found += [(Path(member, i.relative), i.path, i.span, i.sha256) for i in part.images]
        left_out.update(part.left_out)
    if dataset.kind != "group":
        paths, left_out = _look(dataset, data_dir)
        folder = dataset.folder(data_dir)
        pins = {Path(file): record.sha256 for file, record in dataset.manifest.items()}
        found = [(file, folder / file, dataset.range, pins.get(file, "")) for file in paths]
    images: dict[str, ImageFile] = {}
    names = image_names([relative for relative, *_ in found])
    for own, (relative, path, span, sha256) in zip(names, found, strict=True):
        if own in images:
            raise NormeqError(
                f"{images[own].path} and {path} are both the image {own!r} of {dataset.name}: rename one, or "
                f"move it away"
            )
        try:
            own.encode()
        except UnicodeEncodeError:
            raise NormeqError(f"{path!a}: a name that is not UTF-8: rename the file") from None
        images[own] = ImageFile(dataset.name, own, path, relative, span, sha256)
    return Listing(tuple(images.values()), dict(left_out))


def files(name: str, data_dir: Path | str = "data") -> list[Path]:
    """The files of the images of a data set; see :func:`list_images`."""
    return [image.path for image in list_images(name, data_dir).images]


def find_image(text: str, data_dir: Path | str = "data") -> ImageFile:
    """One image, written ``DATASET/IMAGE``.

    ``IMAGE`` is the image's name, its file's name, or its path in the set, with or without suffix:
    ``set12/02``. A path that begins with ``.``, ``/`` or ``~`` is that of a file, whose folder then is the
    data set.

    Raises:
        NormeqError: not of that form, or no (or more than one) such image in the data set.
    """
    name, rest = split_image(text)
    if not (name and rest):
        raise NormeqError(f"image {text!r} is not of the form DATASET/IMAGE, such as set12/02")
    images = list_images(name, data_dir).images
    found = [image for image in images if image.name == rest]
    if not found:
        found = [image for image in images if rest in _written(image)]
    if len(found) > 1:
        choice = ", ".join(f"{name.rstrip('/')}/{image.relative.as_posix()}" for image in found[:3])
        more = ", …" if len(found) > 3 else ""
        raise NormeqError(f"{len(found)} images named {rest!r} in data set {name}: write {choice}{more}")
    if not found:
        some = ", ".join(image.name for image in images[:3]) + (", …" if len(images) > 3 else "")
        raise NormeqError(f"0 images named {rest!r} in data set {name}: it has {some}")
    return found[0]


def _written(image: ImageFile) -> set[str]:
    """How an image may be asked for, besides by its name."""
    relative = image.relative
    return {relative.stem, relative.name, relative.as_posix(), relative.with_suffix("").as_posix()}


def image_file(image: str, data_dir: Path | str = "data") -> Path:
    """The file of one image; see :func:`find_image`."""
    return find_image(image, data_dir).path


def read(images: Iterable[ImageFile]) -> Iterator[tuple[ImageFile, np.ndarray]]:
    """Each image, and its pixels as float32 (H, W) in [0,1].

    Samples that fill little of the range of their files are told in one line of warning per data set, after
    its last image: noise of σ, which counts in 255ths of that range, then is larger than it looks.
    """
    used: dict[str, tuple[float, float, ImageFile]] = {}
    for image in images:
        pixels = image.gray()
        low, high, brightest = used.get(image.dataset, (np.inf, -np.inf, image))
        if pixels.max() > high:
            high, brightest = float(pixels.max()), image
        used[image.dataset] = min(low, float(pixels.min())), high, brightest
        yield image, pixels
    for dataset, (low, high, brightest) in used.items():
        if brightest.span is None and high - low < LITTLE:
            warn_of_little_range(dataset, low, high, brightest.path)


def warn_of_little_range(dataset: str, low: float, high: float, brightest: Path) -> None:
    """Say that a data set fills only ``low`` ... ``high``, of [0,1], of the range of its files."""
    white = read_samples(brightest).white
    first, last = round(low * white), round(high * white)
    top = 2 ** last.bit_length() - 1
    guess = f"[0, {top}]" if 0 < top < white else f"[{first}, {last}]"
    say_once(
        f"{dataset}: its samples are {first} ... {last} of the 0 ... {white} of its files, and σ counts in "
        f"255ths of the latter: if that is not meant, declare `range: {guess}` in its entry of datasets.yaml"
    )


@cache
def say_once(line: str) -> None:
    """A warning, the first time in this process: folders are listed for every denoiser anew."""
    log.warning("%s", line)


def remedy(dataset: registry.Dataset, data_dir: Path) -> str:
    """What the user can do to get the data set."""
    if dataset.path is not None:
        return f"name a folder of images ({', '.join(sorted(SUFFIXES))})"
    if dataset.kind == "manual":
        return f"place it by hand ({dataset.place}; origin: {dataset.origin})"
    option = "" if data_dir == Path("data") else f" --data-dir {data_dir}"
    return f"run `normeq data get {dataset.name}{option}`"


def _look(dataset: registry.Dataset, data_dir: Path) -> tuple[list[Path], Counter[str]]:
    """Paths of the images below a data set's own folder, and what else is there, by the reason."""
    folder = dataset.folder(data_dir)
    if not folder.is_dir():
        raise NormeqError(f"no folder {folder}: {remedy(dataset, data_dir)}")
    pinned = dataset.manifest if dataset.kind != "manual" else None
    found: list[Path] = []
    left_out: Counter[str] = Counter()
    for relative in walk(folder):
        suffix = relative.suffix.lower()
        if pinned is not None and relative.as_posix() in pinned:
            continue
        if is_stray(relative):
            left_out["hidden"] += suffix in SUFFIXES
        elif pinned is not None:
            left_out["not in the registry"] += 1
        elif suffix in SUFFIXES:
            found.append(relative)
        else:
            left_out[suffix or "without suffix"] += 1
    left_out = +left_out
    if left_out:
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))
        total = left_out.total()
        say_once(f"{dataset.name}: {total} file{'s' * (total > 1)} in {folder} left out: {why}")
    if pinned is not None:
        missing = [file for file in sorted(pinned) if not (folder / file).is_file()]
        if missing:
            few = f"{missing[0]} and {len(missing) - 1} more" if len(missing) > 1 else missing[0]
            raise NormeqError(f"{folder} lacks {few}: {remedy(dataset, data_dir)}")
        return [Path(file) for file in sorted(pinned)], left_out
    if not found:
        raise NormeqError(f"no images in {folder}: {remedy(dataset, data_dir)}")
    if dataset.files is not None and len(found) != dataset.files:
        say_once(f"{dataset.name}: {len(found)} images in {folder}, the registry expects {dataset.files}")
    return found, left_out
