"""A comparison to read: Markdown, LaTeX or HTML."""

from __future__ import annotations

from html import escape

import pandas as pd

from normeq.suite.analysis.comparisons import LEVEL
from normeq.suite.analysis.intervals import interval_name
from normeq.suite.compare.changes import Comparison
from normeq.suite.formats.numbers import fixed, p_value, with_interval
from normeq.suite.formats.table import Table, latex, markdown
from normeq.suite.results.long_tables import SERIES
from normeq.suite.results.names import counted, dataset_name, denoiser_name, level_name
from normeq.suite.statistics.means import CONFIDENCE

FORMATS = ("md", "tex", "html")
QUANTITIES = {"psnr": ("PSNR", " dB", 3), "ssim": ("SSIM", "", 4)}  # name, unit, digits
STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
    "div{overflow-x:auto}table{border-collapse:collapse}th,td{padding:.2em .8em;text-align:left}"
    "tr{border-bottom:1px solid #8886}caption{text-align:left;font-weight:bold;padding:.5em 0}"
)


def render(comparison: Comparison, name_a: str, name_b: str, form: str) -> str:
    """The whole document as text.

    Args:
        name_a, name_b: how the two tables are called.
        form: one of :data:`FORMATS`.
    """
    lines = _lines(comparison, name_a, name_b)
    tables = _tables(comparison)
    if form == "md":
        return "\n".join(["# What changed", "", *(f"- {line}" for line in lines), "", *map(markdown, tables)])
    if form == "tex":
        return "\n".join([*(f"% {line}" for line in lines), "", *map(latex, tables)])
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>What changed</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style></head><body>\n<h1>What changed</h1>\n<ul>{items}</ul>\n"
        + "\n".join(map(_html, tables))
        + "\n</body></html>\n"
    )


def _lines(found: Comparison, name_a: str, name_b: str) -> list[str]:
    still = found.conditions - found.moved
    lines = [
        f"A: {name_a}. B: {name_b}. Tables over {found.kind}.",
        f"{counted([found.measurements], 'measurement')} in both, of which {found.unchanged} unchanged.",
        f"{found.moved} of {counted([found.conditions], 'condition')} changed, {still} did not.",
    ]
    for quantity, rows in found.changed.groupby("quantity", sort=False):
        lines += _summary(rows, *QUANTITIES[quantity])
    lines += found.origins
    for name, rows in (("A", found.only_a), ("B", found.only_b)):
        if len(rows):
            lines.append(f"{counted([rows['count'].sum()], 'measurement')} only in {name}, listed below.")
    if len(found.ranks) == 0:
        lines.append("No change of rank between denoisers.")
    return lines


def _summary(changed: pd.DataFrame, name: str, unit: str, digits: int) -> list[str]:
    """Which way one quantity went, how much of that chance would do, and the largest change."""
    up, down, sure = changed["low"] > 0, changed["high"] < 0, changed["p_holm"] < LEVEL
    series = changed.groupby(SERIES, sort=False).agg(images=("images", "max"), tests=("tests", "max"))
    intervals = int(changed["low"].notna().sum())
    lines = [
        f"{name}: B is higher in {(up & sure).sum()} and lower in {(down & sure).sum()} of "
        f"{counted([len(changed)], 'changed condition')}: p (Holm) is below {LEVEL:g}, and the interval "
        f"leaves out zero. By chance alone up to {LEVEL * len(series):.3g} of {len(series)} series (a "
        "denoiser on a data set) would be expected to have such a condition.",
        f"{name}: the intervals are not corrected for how many there are. {(up | down).sum()} of {intervals} "
        f"leave out zero; by chance alone {(1 - CONFIDENCE) * intervals:.3g} would be expected to.",
    ]
    # At best all images agree: then the signed-rank p is 2 / 2^images, and Holm multiplies it by all tests.
    few = int((series["tests"] * 2.0 ** (1 - series["images"]) >= LEVEL).sum())
    if few:
        lines.append(
            f"{name}: {few} of {len(series)} series have too few images for that many conditions: p (Holm) "
            f"cannot come below {LEVEL:g} there, however large the changes."
        )
    row = changed.loc[changed["mean"].abs().idxmax()].to_dict()
    cells = _condition(row).items()
    what = ", ".join(f"{key} {cell}" if key == "σ" else cell for key, cell in cells if key != "train σ")
    largest = fixed(row["mean"], digits)
    return [*lines, f"{name}: the largest change is {largest}{unit} ({what})."]


def _tables(found: Comparison) -> list[Table]:
    tables = []

    def add(rows: pd.DataFrame, title: str, notes: tuple[str, ...], cells) -> None:
        if len(rows):
            shown = pd.DataFrame([_condition(row) | cells(row) for row in rows.to_dict("records")])
            tables.append(Table("compare", rows, shown, title, notes))

    for quantity, changes in found.changed.groupby("quantity", sort=False):
        name, unit, digits = QUANTITIES[quantity]
        add(
            changes,
            f"Changed: mean {name}{unit and f' in{unit}'}",
            (
                "B − A is paired by image, with a 95 % interval over images.",
                "p (Holm): Wilcoxon signed-rank test over images, Holm-corrected over the conditions that one"
                " denoiser has on one data set in both.",
                "Intervals and p-values are about other images like these, not about training again.",
            ),
            lambda row, digits=digits: {
                "A": fixed(row["mean_a"], digits),
                "B": fixed(row["mean_b"], digits),
                "B − A [95 %]": with_interval(row["mean"], row["low"], row["high"], digits),
                "p (Holm)": p_value(row["p_holm"]),
                "images": str(row["images"]),
            },
        )
    add(
        found.ranks,
        "Changed rank by mean PSNR, 1 is best",
        ("Among the denoisers that are in both. Ranks are not tested: close ones change places by chance.",),
        lambda row: {"rank in A": str(row["rank_a"]), "rank in B": str(row["rank_b"]), "of": str(row["of"])},
    )
    for name, rows in (("A", found.only_a), ("B", found.only_b)):
        add(rows, f"Only in {name}", (), lambda row: {"measurements": str(row["count"])})
    return tables


def _condition(row: dict) -> dict[str, str]:
    cells = {
        "denoiser": denoiser_name(row["network"], row["variant"]),
        "train σ": level_name(row["train_sigma"]),
        "data set": dataset_name(row["dataset"]),
        "σ": f"{row['sigma']:g}",
    }
    if "a" in row:
        cells["[a, b]"] = interval_name(row["a"], row["b"])
    for key in ("protocol", "tuning", "scale", "shift"):
        if key in row:
            cells[key] = f"{row[key]:g}" if isinstance(row[key], float) else row[key]
    return cells


def _html(table: Table) -> str:
    def row(cells: list[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(row(cells, "td") for cells in table.shown.to_numpy().tolist())
    notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
    head = row(list(table.shown.columns), "th")
    caption = f"<caption>{escape(table.title)}</caption>"
    return f"<div><table>{caption}<thead>{head}</thead><tbody>\n{body}\n</tbody></table></div>{notes}"
