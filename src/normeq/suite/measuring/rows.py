"""Long tables on disk: written row by row into a temporary file, collected into one."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from normeq.errors import NormeqError
from normeq.suite.measuring.collected import Collected, read_collected, write_record
from normeq.suite.measuring.registry import all_measurements
from normeq.suite.results import normalise
from normeq.system.files import atomic_path, remove_begun
from normeq.system.seals import refuse_broken, seal, unseal

if TYPE_CHECKING:
    from pandas import DataFrame

SHARED = (
    "network,variant,train_sigma,seed,dataset,image,sigma,a,b,tuning,kind,scale,shift,dtype,device,normalise,draw,protocol"
).split(",")
# Columns that tell rows apart: those that several measurements have, in the order of tables, and others.
KEYS = [*SHARED, *(label for kind in all_measurements().values() for label in kind.labels)]
# Columns that came later than the first tables, and what a table without them holds.
LATER = {"measured_by": ""} | normalise.LATER
DENOISER = ("network", "variant", "train_sigma", "seed")


def can_be_taken_over(row: Mapping[str, object]) -> bool:
    """Whether a row says all that decides it: that of a denoiser which is not fully known does not."""
    return all(row.get(key) for key in ("weights", "pixels", "protocol"))


def write_rows(
    path: str | Path,
    columns: Sequence[str],
    rows: Iterable[dict[str, object]],
    goes_on: bool = False,
    spare: Callable[[Path], bool] = lambda _: False,
) -> int:
    """Write rows as they come, so that memory does not grow with them; the file appears when all are there.
    Until then they stand in a hidden file beside it.

    Args:
        path, columns, rows: the table.
        goes_on: that hidden file stays if this is stopped, for the next one to go on from (see
            :class:`normeq.suite.measuring.row_cache.RowCache`), if it has rows that can be taken over.
        spare: asked, once the table is written, of each hidden file that was left before: whether it stays.

    Returns:
        The number of rows.
    """
    count = worth = 0
    with (
        atomic_path(path, keep=(lambda: worth > 0) if goes_on else None) as temporary,
        open(temporary, "w", buffering=1, newline="", encoding="utf-8") as handle,  # every row at once
    ):
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {k: f"{v:.6f}" if isinstance(v, float) and k not in KEYS else v for k, v in row.items()}
            )
            count += 1
            worth += can_be_taken_over(row)
        unseal(path)
    seal(path)
    if goes_on:
        with suppress(OSError):
            remove_begun(path, spare)
    return count


def lacking(columns: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Columns that a long table lacks because it is older than they are.

    Args:
        columns: those that it has.

    Returns:
        Where each belongs, in the order in which they are to be put there, and what the table holds.
    """
    there = set(columns)
    for kind in all_measurements().values():
        missing = [column for column in kind.columns if column not in there]
        if there <= set(kind.columns) and set(missing) <= set(LATER):
            return {column: (kind.columns.index(column), LATER[column]) for column in missing}
    return {}


def collect(
    parts: Sequence[str | Path], out: str | Path, record: str | Path | None = None, key: str = ""
) -> int:
    """Concatenate tables of the same columns, in the order of their keys.

    Args:
        parts: the tables.
        out: table to write.
        record: what ``out`` was made from (see :mod:`normeq.suite.measuring.collected`), to be written. Parts
            that are not there are taken from the ``out`` of before, where the record of before says that it
            holds them.
        key: of what ``out`` is made from, for the record.

    Without a record nobody knows where the rows of an ``out`` that is there came from.

    Raises:
        NormeqError: a part is missing, empty or has other columns; two parts hold the same measurement, or
            measurements of two denoisers of users', or two images, that have one name; or ``out`` is there,
            has no record, and holds what no part does.

    Returns:
        The number of rows.
    """
    import pandas as pd  # here: a bare machine measures, and collects elsewhere

    from normeq.suite.results.same_pixels import check_pixels

    before = Collected() if record is None else read_collected(out, record)
    held = _read(out) if before.parts else None
    frames = []
    for part in parts:
        if held is not None and str(part) in before.parts and not Path(part).exists():
            frames.append(_rows_of(held, before.parts[str(part)]))
        else:
            frames.append(_read(part))
        for name, (at, value) in lacking(frames[-1].columns).items():
            frames[-1].insert(at, name, value)
        if list(frames[-1].columns) != list(frames[0].columns):
            raise NormeqError(f"{part}: other columns than {parts[0]}")
    table = pd.concat(frames, ignore_index=True)
    keys = [key for key in KEYS if key in table.columns]
    twice = table[table.duplicated(keys)]
    if len(twice):
        label = ", ".join(f"{key}={value}" for key, value in twice.iloc[0][keys].items() if value)
        raise NormeqError(f"{out}: the same measurement stands in two parts ({label})")
    numeric = {"sigma", "a", "b", "scale", "shift", "draw", "seed"}
    _check_names(parts, frames)
    check_pixels(dict(zip(parts, frames, strict=True)), by_size=True)
    table = table.sort_values(
        keys, kind="stable", key=lambda column: pd.to_numeric(column) if column.name in numeric else column
    )
    if record is None:
        _refuse_to_lose(out, parts, table)
    with atomic_path(out) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
        unseal(out)
    seal(out)
    if record is not None:
        labels = {str(part): _labels(frame) for part, frame in zip(parts, frames, strict=True)}
        write_record(record, out, key, labels)
    return len(table)


def _read(part: str | Path) -> DataFrame:
    import pandas as pd

    refuse_broken(part)
    try:
        # Text, so that every number reaches the collected table as it was written.
        return pd.read_csv(part, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise NormeqError(f"{part}: no such file") from None
    except (OSError, ValueError) as error:  # pandas' errors of parsing and decoding are ValueErrors
        raise NormeqError(f"{part}: not a table ({error})") from None


def _refuse_to_lose(out: str | Path, parts: Sequence[str | Path], table: DataFrame) -> None:
    """Refuse to replace a file whose rows are not all in the table."""
    path = Path(out)
    if not path.is_file() or any(path.samefile(part) for part in parts):
        return
    try:
        held = _read(out)
    except NormeqError:
        held = None
    rows = set(table.itertuples(index=False, name=None))
    if held is None or list(held) != list(table) or set(held.itertuples(index=False, name=None)) - rows:
        raise NormeqError(
            f"{out}: is there, and holds what none of the tables to put together does: name the table to"
            " write first, or delete it"
        )


def _labels(frame: DataFrame) -> list[list[str]]:
    """The denoisers of a table."""
    return frame[[key for key in DENOISER if key in frame]].drop_duplicates().to_numpy().tolist()


def _rows_of(table: DataFrame, labels: Sequence[Sequence[str]]) -> DataFrame:
    """The rows of some denoisers."""
    keys = [key for key in DENOISER if key in table]
    wanted = {tuple(label) for label in labels}
    return table[[label in wanted for label in table[keys].itertuples(index=False, name=None)]].copy()


def _check_names(parts: Sequence[str | Path], frames: Sequence[DataFrame]) -> None:
    """Refuse two denoisers of users' under one name: their ``weights`` differ."""
    first: dict[str, tuple[str, str | Path]] = {}
    for part, frame in zip(parts, frames, strict=True):
        if not {"network", "variant", "weights"} <= set(frame.columns):
            continue
        own = frame[frame["variant"] == "other"]
        for name, weights in own.groupby("network", sort=False)["weights"]:
            known = sorted(set(weights) - {""})
            for one in known or [""]:
                before, where = first.setdefault(name, (one, part))
                if before != one:
                    raise NormeqError(
                        f"{where} and {part}: two denoisers are called {name}; measure one of them under"
                        " another name"
                    )
