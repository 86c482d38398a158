"""One table, three files: full precision for programs, Markdown and LaTeX for readers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.formats.table import Table, by_sigma, dataset_order, latex, write_table


def test_three_files_with_full_precision_in_the_csv(tmp_path: Path) -> None:
    value = 30.123456789012345
    table = Table(
        "small",
        pd.DataFrame({"psnr": [value]}),
        pd.DataFrame({"a|b": ["x_1 & 50%"], "σ": ["−3.10"]}),
        "T",
        ("n",),
    )
    paths = write_table(table, tmp_path / "new")
    assert [p.name for p in paths] == ["small.csv", "small.md", "small.tex"]
    assert pd.read_csv(paths[0])["psnr"][0] == value
    assert r"| a\|b | σ |" in paths[1].read_text() and "- n" in paths[1].read_text()
    tex = latex(table)
    assert r"x\_1 \& 50\%" in tex and r"$\sigma$" in tex and r"$-$3.10" in tex and r"{lr}" in tex
    before = [p.read_bytes() for p in paths]
    write_table(table, tmp_path / "new")
    assert before == [p.read_bytes() for p in paths]


def test_nothing_is_replaced_when_one_file_cannot_be_written(tmp_path: Path) -> None:
    table = Table("small", pd.DataFrame({"x": [1]}), pd.DataFrame({"x": ["1"]}), "T", ())
    csv, *_ = write_table(table, tmp_path)
    (tmp_path / "small.tex").unlink()
    (tmp_path / "small.tex").mkdir()
    (tmp_path / "small.tex" / "in the way").touch()
    new = Table("small", pd.DataFrame({"x": [2]}), pd.DataFrame({"x": ["2"]}), "T", ())
    with pytest.raises(NormeqError, match="small.tex"):
        write_table(new, tmp_path)
    assert csv.read_text() == "x\n1\n"
    seals = [".small.csv.sha256", ".small.md.sha256", ".small.tex.sha256"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [*seals, "small.csv", "small.md", "small.tex"]


def test_a_line_has_a_dash_where_a_level_was_not_measured() -> None:
    rows = pd.DataFrame({"sigma": [25.0, 5.0], "psnr": [30.0, 37.0]})
    cells = by_sigma(rows, [5, 15, 25.5, 25], lambda row: f"{row['psnr']:g}")
    assert cells == {"σ = 5": "37", "σ = 15": "–", "σ = 25.5": "–", "σ = 25": "30"}


def test_rows_of_a_data_set_stand_together_in_the_order_given() -> None:
    shown = pd.DataFrame({"data set": ["B", "A", "B", "A"], "n": [1, 2, 3, 4]})
    assert dataset_order(shown, ["B", "B", "A"])["n"].tolist() == [1, 3, 2, 4]
