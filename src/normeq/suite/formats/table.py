"""One table, three files: CSV with full precision, Markdown and LaTeX for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from normeq.system.files import write_all
from normeq.system.seals import seal, unseal

LATEX = {
    "\\": r"\textbackslash{}",  # what a name could otherwise do: read a file, define a command
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "σ": r"$\sigma$",
    "–": "--",
    "−": "$-$",
    "Δ": r"$\Delta$",
    "✓": r"$\checkmark$",
    "✗": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "±": r"$\pm$",
    "†": r"$\dagger$",
    "<": "$<$",
    ">": "$>$",
}


@dataclass(frozen=True)
class Table:
    """A table ready to be written.

    Attributes:
        name: file name without suffix.
        numbers: the full-precision values (CSV).
        shown: the same as text, one cell per string; its columns are the headings.
        title: one line above the table.
        notes: what the numbers mean, one line each.
    """

    name: str
    numbers: pd.DataFrame
    shown: pd.DataFrame
    title: str
    notes: tuple[str, ...]


def csv_bytes(table: pd.DataFrame) -> bytes:
    """CSV in UTF-8 with full precision (the shortest text that reads back to the same number)."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def table_files(name: str, folder: Path) -> list[Path]:
    """The files of a table: CSV, Markdown and LaTeX."""
    return [Path(folder) / f"{name}.{kind}" for kind in ("csv", "md", "tex")]


def write_table(table: Table, folder: Path) -> list[Path]:
    """Write NAME.csv, NAME.md and NAME.tex into ``folder``; returns their paths."""
    content = [csv_bytes(table.numbers), markdown(table).encode(), latex(table).encode()]
    files = dict(zip(table_files(table.name, folder), content, strict=True))
    write_all(files, complete=lambda: unseal(*files))
    for file in files:
        seal(file)
    return list(files)


def by_sigma(rows: pd.DataFrame, sigmas: Iterable[float], cell: Callable[[pd.Series], str]) -> dict[str, str]:
    """The columns ``σ = …`` of one line, from rows with one ``sigma`` (8-bit units) each; a dash where there
    is none."""
    found = rows.set_index("sigma")
    return {f"σ = {s:g}": cell(found.loc[s]) if s in found.index else "–" for s in sigmas}


def dataset_order(shown: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Rows put together by their column ``data set``, these in the order of ``names``."""
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return shown.sort_values("data set", key=lambda column: column.map(order), kind="stable")


def markdown(table: Table) -> str:
    """GitHub Markdown: title, table, notes."""
    cells = [list(table.shown.columns), *table.shown.astype(str).to_numpy().tolist()]
    cells = [[one_line(cell).replace("|", r"\|") for cell in row] for row in cells]
    rule = [
        "---" if i == 0 else "---:" if _is_number(table.shown.iloc[:, i]) else "---"
        for i in range(len(cells[0]))
    ]
    lines = [f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:])]
    notes = [f"- {one_line(note)}" for note in table.notes]
    return "\n".join([f"**{one_line(table.title)}**", "", *lines, "", *notes, ""])


def one_line(text: str) -> str:
    """A text that ends no cell and no comment: names of files may hold line breaks."""
    return " ".join(text.splitlines())


def latex(table: Table) -> str:
    """A ``tabular`` with booktabs rules, to be put into a table environment; notes as comments."""

    def escape(text: str) -> str:
        return "".join(LATEX.get(character, character) for character in one_line(text))

    align = "".join("r" if _is_number(table.shown[column]) else "l" for column in table.shown.columns)
    rows = [" & ".join(map(escape, row)) + r" \\" for row in table.shown.astype(str).to_numpy().tolist()]
    return "\n".join(
        [
            f"% {one_line(table.title)}",
            *(f"% {one_line(note)}" for note in table.notes),
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            " & ".join(map(escape, table.shown.columns)) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _is_number(column: pd.Series) -> bool:
    first = column.astype(str).str.split(" ").str[0].str.replace("−", "-").replace({"–": "0", "": "0"})
    return bool(pd.to_numeric(first, errors="coerce").notna().all())
