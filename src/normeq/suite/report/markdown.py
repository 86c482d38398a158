"""The small part of Markdown that our tables and captions use, as HTML."""

from __future__ import annotations

import re
from html import escape

from normeq.suite.results.names import VARIANTS

VERDICTS = {"reproduced": ("yes", "✓"), "not reproduced": ("no", "✗"), "not tested": ("open", "–")}
LONG = 40  # characters: longer cells may break into lines


def rst_to_html(text: str) -> str:
    """A caption of plain sentences, paragraphs separated by blank lines."""
    return "".join(f"<p>{escape(' '.join(p.split()))}</p>" for p in text.split("\n\n") if p.strip())


def title_of(text: str) -> str:
    """The bold line above a table; empty without one."""
    return next((line.strip("* ") for line in text.splitlines() if line.startswith("**")), "")


def markdown_to_html(text: str, first: str = "") -> str:
    """Title in bold, one pipe table, and a list of notes, as :mod:`normeq.suite.formats.table` writes them.

    Args:
        first: heading of the column that is to stand first, if there is one.

    Returns:
        A ``<figure>`` with caption, a table whose columns can be sorted, and the notes. Columns marked
        ``---:`` stand on the right; a denoiser has the dot of its variant, a verdict its sign.
    """
    title, rows, notes = title_of(text), [], []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
            rows.append([cell.strip().replace(r"\|", "|") for cell in cells])
        elif line.startswith("- "):
            notes.append(line[2:])
    if rows and first in rows[0]:
        place = rows[0].index(first)
        rows = [[row[place], *row[:place], *row[place + 1 :]] for row in rows]
    head, rule, body = (rows[0], rows[1], rows[2:]) if len(rows) > 1 else ([], [], [])
    right = [cell.endswith(":") for cell in rule]
    out = [
        f"<figure><figcaption>{escape(title)}</figcaption>",
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title, quote=True)}">',
        '<table class="sortable"><thead><tr>',
    ]
    for cell, number in zip(head, right, strict=True):
        kind = ' class="number"' if number else ""
        out.append(f'<th scope="col"{kind}><button type="button">{escape(cell)}</button></th>')
    out.append("</tr></thead><tbody>")
    for row in body:
        kind = ' class="published"' if row and row[0].startswith("published") else ""
        cells = "".join(_cell(cell, number) for cell, number in zip(row, right, strict=True))
        out.append(f"<tr{kind}>{cells}</tr>")
    out.append("</tbody></table></div>")
    if notes:
        out.append(f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>')
    return "".join(out) + "</figure>"


def _cell(text: str, number: bool) -> str:
    if text in VERDICTS:
        kind, sign = VERDICTS[text]
        return f'<td><span class="verdict {kind}">{sign} {text}</span></td>'
    variant = next((key for key, name in VARIANTS.items() if text == name or text.endswith(f", {name}")), "")
    dot = f'<span class="dot {variant}"></span>' if variant else ""
    kind = "number" if number else "text" if len(text) > LONG and not variant else ""
    return f"<td{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{dot}{escape(text)}</td>"
