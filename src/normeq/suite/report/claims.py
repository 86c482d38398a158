"""The table of claims as the report shows it: one row a claim, data sets as columns, failures first."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from normeq.suite.report.markdown import VERDICTS, notes_to_html, pipe_table, title_of, verdict_to_html

# A row stands in the first group of which it has a verdict.
GROUPS = {
    "not reproduced": "Not reproduced on one data set or more",
    "not tested": "Not tested on one data set or more",
    "reproduced": "Reproduced on every data set",
}
SHARED = ("claim", "denoiser", "σ", "claimed")  # what the cells of a row have in common


@dataclass
class ClaimRow:
    """A claim about one denoiser.

    Attributes:
        shared: the text of each column of :data:`SHARED` that the table has.
        cells: data set -> its line of the table, heading -> text.
    """

    shared: tuple[str, ...]
    cells: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def group(self) -> str:
        verdicts = {cell["verdict"] for cell in self.cells.values()}
        return next((name for name in GROUPS if name in verdicts), "not tested")

    @property
    def measured(self) -> set[str]:
        return {cell.get("measured", "") for cell in self.cells.values()}


def claims_to_html(text: str) -> str:
    """``claims.md`` as a table of one row a claim, in the groups of :data:`GROUPS`.

    Args:
        text: Markdown as ``normeq claims`` writes it; of its columns only ``claim`` and ``verdict`` must be
            there, and each text stands on the page as it is there.

    Returns:
        A ``<figure>`` with caption, table and notes; the table of other text, with no such columns, is empty.
    """
    head, lines = pipe_table(text)
    records = [dict(zip(head, line, strict=True)) for line in lines if {"claim", "verdict"} <= set(head)]
    rows = grouped(records)
    datasets = list(dict.fromkeys(record.get("data set", "") for record in records))
    shared = [name for name in SHARED if name in head]
    measured = ["measured"] if any(len(row.measured) == 1 and row.measured != {""} for row in rows) else []
    heads = [shared[0], *measured, *shared[1:]] if shared else []
    columns = "".join(
        f'<th scope="col"><button type="button">{escape(name)}</button></th>'
        for name in [*heads, *(name or "verdict" for name in datasets)]
    )
    title = title_of(text)
    out = [
        f"<figure><figcaption>{escape(title)}</figcaption>",
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title, quote=True)}">',
        f'<table class="sortable"><thead><tr>{columns}</tr></thead>',
    ]
    for name, words in GROUPS.items():
        group = [row for row in rows if row.group == name]
        if not group:
            continue
        count = f"{len(group)} claim{'s' * (len(group) != 1)}"
        span = len(heads) + len(datasets)
        out.append(
            f'<tbody><tr class="group"><th scope="rowgroup" colspan="{span}">{words}: {count}</th></tr>'
        )
        out += [_row(row, bool(measured), datasets) for row in group]
        out.append("</tbody>")
    return "".join([*out, "</table></div>", notes_to_html(text), "</figure>"])


def grouped(records: list[dict[str, str]]) -> list[ClaimRow]:
    """The lines of the table by claim, in order of appearance; two lines of one data set are two rows."""
    rows: list[ClaimRow] = []
    for record in records:
        shared = tuple(record[name] for name in SHARED if name in record)
        dataset = record.get("data set", "")
        row = next((row for row in rows if row.shared == shared and dataset not in row.cells), None)
        if row is None:
            rows.append(row := ClaimRow(shared))
        row.cells[dataset] = record
    return rows


def _row(row: ClaimRow, measured: bool, datasets: list[str]) -> str:
    claim, *others = row.shared
    alike = len(row.measured) == 1
    if measured:
        others.insert(0, next(iter(row.measured)) if alike else "")
    cells = [f'<td class="wrap">{escape(text)}</td>' for text in others]
    cells += [_cell(row.cells.get(name), not (measured and alike)) for name in datasets]
    return f'<tr><th scope="row" class="text">{escape(claim)}</th>{"".join(cells)}</tr>'


def _cell(record: dict[str, str] | None, measured: bool) -> str:
    """Verdict, number, and below them p and, where data sets differ in it, what was measured."""
    if record is None:
        return "<td>–</td>"
    parts = [
        verdict_to_html(record["verdict"]) if record["verdict"] in VERDICTS else escape(record["verdict"])
    ]
    found = next((text for name, text in record.items() if name.startswith("found")), "")
    if found:
        parts.append(f'<span class="found">{escape(found)}</span>')
    p = record.get("p", "–")
    below = [*([f"p {p}" if p.startswith("<") else f"p = {p}"] if p != "–" else [])]
    if measured and record.get("measured"):
        below.insert(0, record["measured"])
    if below:
        parts.append(f'<span class="small">{escape("; ".join(below))}</span>')
    return f'<td class="claim">{"<br>".join(parts)}</td>'
