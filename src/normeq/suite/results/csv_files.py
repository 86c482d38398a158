"""Reading a CSV table: every mistake is one line that names the file, and where it can the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.system.seals import warn_of_broken


def read_csv(
    path: str | Path, columns: Iterable[str] = (), remedy: str = "", later: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Read a CSV table as text.

    Args:
        path: the file.
        columns: those that it must have.
        remedy: what to do where it is not such a table, e.g. the command that writes it.
        later: columns that came later than the first tables, and what these hold.

    Returns:
        At least one row; every cell as text, as it was written, an empty one as the empty string.

    Raises:
        NormeqError: the file is missing, is no CSV table in UTF-8, lacks a column, or has no rows.
    """
    remedy, columns = f"; {remedy}" if remedy else "", list(columns)
    warn_of_broken(path)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise NormeqError(f"no such table: {path}{remedy}") from None
    except pd.errors.EmptyDataError:
        raise NormeqError(f"cannot read {path} as a CSV table: it is empty{remedy}") from None
    except (OSError, ValueError) as error:  # pandas' errors of parsing and decoding are ValueErrors
        text = " ".join(str(error).split())
        raise NormeqError(f"cannot read {path} as a CSV table: {text}{remedy}") from None
    for column, value in (later or {}).items():
        if column in columns and column not in table:
            table[column] = value
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise NormeqError(
            f"{path}: missing {'column' if len(missing) == 1 else 'columns'} {', '.join(missing)}{remedy}"
        )
    if table.empty:
        raise NormeqError(f"{path} has a header but no rows{remedy}")
    return table


def number_cells(path: str | Path, column: pd.Series) -> pd.Series:
    """The text of a column as numbers (float64); infinite ones are numbers too.

    Raises:
        NormeqError: a cell is none; the message names the line of the file.
    """
    numbers = pd.to_numeric(column.str.strip(), errors="coerce").astype(float)
    if numbers.isna().any():
        row = int(numbers.isna().to_numpy().argmax())
        raise NormeqError(
            f"{path}, line {row + 2}: column {column.name} has {column.iloc[row]!r}, not a number"
        )
    return numbers
