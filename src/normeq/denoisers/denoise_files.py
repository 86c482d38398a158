"""Files and folders, denoised: which go where, and one after another."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from normeq.denoisers.denoise import denoise
from normeq.denoisers.opened import Opened
from normeq.errors import NormeqError
from normeq.imaging.files import SUFFIXES, check_kind, kind_of, read
from normeq.imaging.strays import is_stray, walk
from normeq.system.files import describe_os_error


@dataclass
class Plan:
    """What is to be done.

    Attributes:
        pairs: each file and where its denoised form goes.
        left_out: how many files of the folders are none of these, by the reason.
    """

    pairs: list[tuple[Path, Path]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def plan(sources: Sequence[Path], out: Path, force: bool = False, into: bool = False) -> Plan:
    """Which files go where.

    One file goes to the file ``out``, or into the folder ``out`` where there is one or ``into`` says so;
    several files go into the folder ``out``. What lies in a folder goes there with its path below it, which
    begins with the folder's name if there are several sources.

    Raises:
        NormeqError: nothing to denoise; an output is there already (without ``force``), is an input too, or
            is that of two files; the folder cannot be written to. Nothing was written then.
    """
    found = Plan()
    single = len(sources) == 1 and not sources[0].is_dir()
    for source in sources:
        if not source.is_dir():
            found.pairs.append((source, out if single and not (into or out.is_dir()) else out / source.name))
            continue
        below = out if len(sources) == 1 else out / source.resolve().name
        for relative in _images(source, out, found.left_out):
            found.pairs.append((source / relative, below / relative))
    if not found.pairs:
        known = " ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
        raise NormeqError(f"no images in {', '.join(map(str, sources))}: {known}")
    _check(found.pairs, force)
    return found


def _images(folder: Path, out: Path, left_out: Counter[str]) -> list[Path]:
    """Paths of the images below a folder; earlier outputs below it are none."""
    kept = []
    # resolve() gives up on a link to itself, which is no image.
    within = Path(os.path.realpath(folder)) in Path(os.path.realpath(out)).parents
    for relative in walk(folder):
        if is_stray(relative):
            left_out["hidden"] += kind_of(relative) is not None
        elif within and Path(os.path.realpath(out)) in Path(os.path.realpath(folder / relative)).parents:
            left_out[f"in {out}"] += 1
        elif kind_of(relative) is None:
            left_out[relative.suffix.lower() or "without suffix"] += 1
        else:
            kept.append(relative)
    return kept


def _check(pairs: Sequence[tuple[Path, Path]], force: bool) -> None:
    inputs = {_identity(source) for source, _ in pairs}
    seen: dict[Path, Path] = {}
    there = []
    for source, target in pairs:
        if _identity(target) in inputs:
            raise NormeqError(f"{target} is an input too: name another output")
        if target in seen:
            raise NormeqError(
                f"{seen[target]} and {source} would both become {target}: denoise them one by one"
            )
        seen[target] = source
        if target.is_dir():
            raise NormeqError(f"cannot write {target}: it is a folder")
        if target.exists():
            there.append(target)
    if there and not force:
        more = f" and {len(there) - 1} more are" if len(there) > 1 else " is"
        raise NormeqError(f"{there[0]}{more} there already: --force replaces them")
    for folder in {target.parent for target in seen}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NormeqError(describe_os_error(error, folder)) from error
        if not os.access(folder, os.W_OK):
            raise NormeqError(f"cannot write into {folder}: permission denied")


def _identity(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return path.absolute()
    return status.st_dev, status.st_ino


def denoise_file(
    source: Path,
    target: Path,
    network: Opened,
    *,
    sigma: float | None = None,
    range: tuple[float, float] | None = None,
    tile: Any = "auto",
    channel_axis: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[str, ...]:
    """Denoise one file.

    Args:
        source, target: of the same kind.
        network: what denoises.
        sigma, range: in the units that the file names, if it does (BSCALE of FITS, scl_slope of NIfTI).
        tile, progress: as for :func:`normeq.denoisers.denoise.denoise`.
        channel_axis: of an NPY file.

    Returns:
        What is to be told of it.

    Raises:
        NormeqError: one line that names the file; nothing is written then.
    """
    picture = read(source, channel_axis)
    check_kind(target, picture.kind)
    if network.channels != 1 and picture.channel_axis is None:
        raise NormeqError(f"{source}: is gray, and {network.name} takes {network.channels} channels")
    if not network.equivariant and range is None and picture.array.dtype != "u1":
        raise NormeqError(
            f"{source}: {picture.array.dtype} samples, and {network.name} must be told which are black "
            "and white: give --range LO HI"
        )
    try:
        array = denoise(
            picture.array,
            network,
            sigma=None if sigma is None else sigma / picture.scale,
            range=None if range is None else picture.inside(range),
            channel_axis=picture.channel_axis,
            tile=tile,
            progress=progress,
        )
    except NormeqError as error:
        raise NormeqError(f"{source}: {error}") from error
    picture.save(target, array)
    notes = picture.notes
    if picture.channel_axis is not None and network.channels == 1:
        notes += ("channels, each by itself",)
    return notes
