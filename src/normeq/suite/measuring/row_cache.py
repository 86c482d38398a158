"""Measurements made before, so that one more noise level measures one noise level."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from normeq.denoisers.open import Denoiser
from normeq.errors import NormeqError
from normeq.imaging.protocol import Protocol
from normeq.suite.data import registry
from normeq.suite.measuring.batches import Image, test_images
from normeq.suite.measuring.rows import DENOISER, KEYS, LATER, can_be_taken_over, lacking, write_rows
from normeq.system.files import begun
from normeq.system.provenance import measured_by
from normeq.system.seals import is_intact, warn_of_broken

NUMBERS = {"sigma", "a", "b", "draw"}
# What a measurement depends on: what its label says, the denoiser, the image and the protocol.
CONTENT = (*KEYS, "weights", "pixels")


def labels(denoiser: Denoiser, image: Image, protocol: Protocol, device: torch.device) -> dict[str, object]:
    """The columns that say what was measured by what, and on what; σ, draw and [a,b] are not among them."""
    return denoiser.labels | {
        "dataset": image.dataset,
        "image": image.name,
        "weights": denoiser.identity,
        "pixels": image.pixels,
        "protocol": protocol.name,
        "measured_by": measured_by(device),
    }


MEAN_OUT = "; mean taken out"  # at the end of ``measured_by``


def mark(label: dict[str, object], far: bool) -> dict[str, object]:
    """The label of a measurement; ``far`` where the mean of the image was taken out first."""
    return label | {"measured_by": f"{label['measured_by']}{MEAN_OUT}"} if far else label


class RowCache:
    """Rows of long tables, found again by all that decides them.

    A row counts only if the denoiser's weights (of a user's denoiser all that it is made of), the pixels of
    the image and the protocol are the same; that this package changed is not noticed. The column
    ``measured_by`` keeps saying which machine and versions it was (empty in tables that are older than it).
    Denoisers that are not fully known (see :attr:`normeq.denoisers.open.Denoiser.unknown`) are always
    measured.

    Args:
        paths: tables, or folders of tables (``*.csv``); what is missing or no such table is passed over.
        out: the table that will be written. If it is there, its rows are found too, and :meth:`kept`. So are
            the rows that a measurement had written when it was stopped.
    """

    def __init__(self, paths: Iterable[str | Path] = (), out: str | Path | None = None) -> None:
        self.used = 0
        self._rows: dict[tuple, dict[str, str]] = {}
        for path in map(Path, paths):
            for file in sorted(path.glob("[!.]*.csv")) if path.is_dir() else [path]:
                if not file.is_file():  # a pipe would wait for a writer
                    continue
                if is_intact(file):
                    self._read(file)
                else:
                    warn_of_broken(file)  # and measure again
        self._begun = {file: self._read(file, begun=True) for file in (begun(out) if out is not None else ())}
        if out is not None and not is_intact(out):
            warn_of_broken(out)
            out = None
        self._before = self._read(Path(out)) if out is not None and Path(out).is_file() else []

    def __len__(self) -> int:
        return len(self._rows)

    def _read(self, file: Path, begun: bool = False) -> list[dict[str, str]]:
        """Take the rows of a table; all of them are returned, also those that cannot be taken over. One that
        was only ``begun`` may end in half a line."""
        rows = []
        try:
            with open(file, newline="", encoding="utf-8") as handle:
                table = csv.DictReader(line for line in handle if line.endswith("\n") or not begun)
                older = {name: value for name, (_, value) in lacking(table.fieldnames or ()).items()}
                for row in table:
                    row = older | row
                    rows.append(row)
                    complete = None not in row and None not in row.values()
                    if complete and can_be_taken_over(row):
                        before = self._rows.get(self._key(row), {})
                        if row.keys() >= before.keys():  # a poorer table does not hide a fuller one
                            self._rows[self._key(row)] = row
        except (OSError, ValueError, csv.Error):  # not text, or not numbers
            pass
        return rows

    @staticmethod
    def _key(row: Mapping[str, object]) -> tuple:
        return tuple(
            (key, float(row[key]) if key in NUMBERS else str(row[key])) for key in CONTENT if key in row
        )

    def find(self, row: Mapping[str, object], columns: Iterable[str]) -> dict[str, str] | None:
        """The whole row of an earlier measurement with these labels, as text; None if there is none that has
        all these columns, or where the mean of the image was to be taken out and was not."""
        found = self._rows.get(self._key(row))
        if found is not None and not found.keys() >= set(columns):
            found = None
        if found is not None and str(row.get("measured_by")).endswith(MEAN_OUT):
            found = found if found["measured_by"].endswith(MEAN_OUT) else None
        self.used += found is not None
        return found

    def kept(
        self,
        written: Collection[tuple],
        columns: Sequence[str],
        denoisers: Iterable[Denoiser],
        data_dir: str | Path,
        datasets: Iterable[str] = (),
    ) -> list[dict[str, str]]:
        """Rows that the written table held before, were not asked for now, and still hold: of the very same
        denoisers, and of images that are as they were.

        Args:
            written: :func:`label` of every row that was asked for.
            columns, denoisers: of the table.
            data_dir: folder of the data sets, to look at the images again.
            datasets: as they were asked for now; a folder is found by its path alone.
        """
        known = _known(denoisers)
        pixels = Pixels(data_dir, datasets)
        return [
            row
            for row in self.left(written)
            if None not in row
            and None not in row.values()
            and row.keys() >= set(columns)
            and _whose(row) in known
            and row["pixels"] == pixels.of(row["dataset"], row["image"], int(row.get("size", 0)))
        ]

    def goes_on_from(self, file: Path, written: Collection[tuple], denoisers: Iterable[Denoiser]) -> bool:
        """Whether what a stopped measurement left has rows of these denoisers that were not asked for now,
        such as another noise level: the command that was stopped goes on from them."""
        known = _known(denoisers)
        return any(_whose(row) in known and label(row) not in written for row in self._begun.get(file, []))

    def left(self, written: Collection[tuple]) -> list[dict[str, str]]:
        """Rows that the written table held before and that were not asked for now."""
        return [row for row in self._before if not row.keys() >= set(DENOISER) or label(row) not in written]


def _known(denoisers: Iterable[Denoiser]) -> set[tuple]:
    """What :func:`_whose` says of rows of these denoisers; none of those that are not fully known."""
    return {(*d.labels.values(), d.identity) for d in denoisers if d.identity}


def _whose(row: Mapping[str, object]) -> tuple:
    return *(row.get(key) for key in DENOISER), row.get("weights")


def label(row: Mapping[str, object]) -> tuple:
    """What tells a measurement from others in a table."""
    found = []
    for key in (key for key in KEYS if key in row):
        value = str(row[key])
        with suppress(ValueError):
            value = float(value) if key in NUMBERS | {"scale", "shift"} else value
        found.append((key, value))
    return tuple(found)


class Pixels:
    """The pixels of test images as they are now.

    Args:
        data_dir: folder of the data sets.
        datasets: paths of folders among them, which tables call by their names.
    """

    def __init__(self, data_dir: str | Path, datasets: Iterable[str] = ()) -> None:
        self.data_dir = data_dir
        self._asked = {registry.get(text, Path(data_dir)).name: text for text in datasets if "/" in text}
        self._images: dict[str, dict[str, np.ndarray]] = {}

    def of(self, dataset: str, image: str, size: int) -> str:
        """:attr:`Image.pixels` of an image; "" where it is not there any more."""
        if dataset not in self._images:
            try:
                images = test_images([self._asked.get(dataset, dataset)], self.data_dir)
                self._images[dataset] = {name: x for _, name, x in images}
            except NormeqError:
                self._images[dataset] = {}
        clean = self._images[dataset].get(image)
        return "" if clean is None else Image(dataset, image, clean, size).pixels


def open_row_cache(reuse: Iterable[Path], out: Path, columns: Iterable[str]) -> RowCache:
    """What ``--reuse`` names and OUT holds.

    Args:
        columns: of the table that will be written to OUT.

    Raises:
        NormeqError: ``--reuse`` names something that is not there; OUT is a file of another kind.
    """
    _refuse_other_file(out, columns)
    for path in reuse:
        if not path.exists():
            raise NormeqError(f"--reuse {path}: no such file or folder")
    return RowCache(reuse, out)


def _refuse_other_file(out: Path, columns: Iterable[str]) -> None:
    """Refuse to replace what is no long table, or one of other measurements; an empty file holds nothing, and
    one that we sealed and that was damaged since is measured again."""
    if not out.is_file() or not out.stat().st_size or not is_intact(out):
        return
    try:
        with open(out, newline="", encoding="utf-8") as handle:
            header = set(next(csv.reader(handle), []))
    except (OSError, ValueError, csv.Error):
        header = set()
    later = {*LATER, "protocol"}  # which older tables lack
    if not header >= {*DENOISER, "dataset", "image", "sigma"}:
        what = "is no table of measurements"
    elif (header ^ set(columns)) & set(KEYS) - later:
        what = "holds other measurements"
    else:
        return
    raise NormeqError(f"{out} {what} and would be replaced: name another file, or delete it")


def write_measurements(
    out: Path,
    columns: Sequence[str],
    rows: Iterable[dict[str, object]],
    row_cache: RowCache,
    denoisers: Sequence[Denoiser],
    data_dir: str | Path,
    datasets: Iterable[str] = (),
    goes_on: bool = True,
) -> list[str]:
    """Write a long table: the rows that were asked for, and those that it held before and that still hold
    (see :meth:`RowCache.kept`).

    Args:
        datasets: as they were asked for; see :meth:`RowCache.kept`.
        goes_on: whether ``rows`` takes over what is in ``row_cache``: rows are then kept if this is stopped.

    Returns:
        Lines that say what the table holds, what it held and holds no more, and which denoisers are not
        known well enough for their rows to be taken over.
    """
    written: set[tuple] = set()
    kept: list[dict[str, str]] = []

    before = {label(row): row for row in row_cache.left(())}
    replaced = 0

    def everything() -> Iterator[dict[str, object]]:
        nonlocal replaced
        for row in rows:
            written.add(label(row))
            old = before.get(label(row), row)
            replaced += any(str(row[key]) != str(old.get(key)) for key in ("weights", "pixels"))
            yield row
        kept.extend(row_cache.kept(written, columns, denoisers, data_dir, datasets))
        yield from ({column: row[column] for column in columns} for row in kept)

    def spare(file: Path) -> bool:
        return row_cache.goes_on_from(file, written | set(map(label, kept)), denoisers)

    count = write_rows(out, columns, everything(), goes_on, spare) - len(kept)
    for denoiser in denoisers:
        if denoiser.world:
            denoiser.world.record(out)
    lines = [f"{out}: {count} measurements, {row_cache.used} of them made before"]
    if replaced:
        lines.append(
            f"{out}: {replaced} rows that it held are replaced: the denoiser or the image is another now"
        )
    if kept:
        lines.append(f"{out}: keeps {len(kept)} more of the same denoiser, which were not asked for now")
    gone = len(row_cache.left(written)) - len(kept)
    if gone:
        lines.append(
            f"{out}: {gone} rows that it held are gone: of another denoiser, of images that have changed, are"
            " not there or lie in a folder that was not named now, or of a denoiser that is not fully known"
        )
    lines += [f"{d.network}: measured again each time, as {d.unknown}" for d in denoisers if d.unknown]
    return list(dict.fromkeys(lines))
