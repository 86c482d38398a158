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


def pipe_table(text: str) -> tuple[list[str], list[list[str]]]:
    """The pipe table in a text: headings, and the cells of each line below the rule."""
    rows = _rows(text)
    return (rows[0], rows[2:]) if len(rows) > 1 else ([], [])


def notes_to_html(text: str) -> str:
    """The lines that begin with ``-`` as a list; empty without one."""
    notes = [f"<li>{escape(line[2:])}</li>" for line in text.splitlines() if line.startswith("- ")]
    return f'<ul class="notes">{"".join(notes)}</ul>' if notes else ""


def verdict_to_html(text: str) -> str:
    """``reproduced``, ``not reproduced`` or ``not tested`` with its sign and colour."""
    kind, sign = VERDICTS[text]
    return f'<span class="verdict {kind}">{sign} {text}</span>'


def markdown_to_html(text: str) -> str:
    """Title in bold, one pipe table, and a list of notes, as :mod:`normeq.suite.formats.table` writes them.

    Returns:
        A ``<figure>`` with caption, a table whose columns can be sorted, and the notes. Columns marked
        ``---:`` stand on the right; a denoiser has the dot of its variant, a verdict its sign.
    """
    title, rows = title_of(text), _rows(text)
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
    return "".join([*out, "</tbody></table></div>", notes_to_html(text), "</figure>"])


def _rows(text: str) -> list[list[str]]:
    lines = [line.strip()[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [[c.strip().replace(r"\|", "|") for c in re.split(r"(?<!\\)\|", line)] for line in lines]


def _cell(text: str, number: bool) -> str:
    if text in VERDICTS:
        return f"<td>{verdict_to_html(text)}</td>"
    variant = next((key for key, name in VARIANTS.items() if text == name or text.endswith(f", {name}")), "")
    dot = f'<span class="dot {variant}"></span>' if variant else ""
    kind = "number" if number else "text" if len(text) > LONG and not variant else ""
    return f"<td{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{dot}{escape(text)}</td>"
