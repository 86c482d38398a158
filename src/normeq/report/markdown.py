"""The small part of Markdown that our tables and captions use, as HTML."""

from __future__ import annotations

import re
from html import escape


def rst_to_html(text: str) -> str:
    """A caption of plain sentences, paragraphs separated by blank lines."""
    return "".join(f"<p>{escape(' '.join(p.split()))}</p>" for p in text.split("\n\n") if p.strip())


def markdown_to_html(text: str) -> str:
    """Title in bold, one pipe table, and a list of notes, as :mod:`normeq.tables.formats` writes them.

    Returns:
        A ``<figure>`` with caption, a table whose columns can be sorted, and the notes.
    """
    title, rows, notes = "", [], []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
            rows.append([cell.strip().replace(r"\|", "|") for cell in cells])
        elif line.startswith("- "):
            notes.append(line[2:])
        elif line.startswith("**"):
            title = line.strip("* ")
    head, body = (rows[0], rows[2:]) if len(rows) > 1 else ([], [])
    out = [
        f"<figure><figcaption>{escape(title)}</figcaption>",
        '<div class="scroll"><table class="sortable"><thead><tr>',
    ]
    out += [f'<th scope="col"><button type="button">{escape(cell)}</button></th>' for cell in head]
    out.append("</tr></thead><tbody>")
    for row in body:
        kind = ' class="published"' if row and row[0].startswith("published") else ""
        out.append(f"<tr{kind}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>")
    out.append("</tbody></table></div>")
    if notes:
        out.append(f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>')
    return "".join(out) + "</figure>"
