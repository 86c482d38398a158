"""The poster: one page with the figures in its order, one sheet when printed."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from normeq.cli import app
from normeq.errors import NormeqError
from normeq.suite.report import POSTER_FIGURES
from normeq.suite.report.poster import BROWSERS, print_page, write_poster

# Taller and wider than any figure of ours: what does not fit would be a second sheet.
TALL = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="900"><text y="99">drawn {}</text></svg>'
CONFIG = """
experiment: x
title: A <script>title</script>
evaluate: {noise_levels: {datasets: [a], sigmas: [25]}}
"""


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "figures"
    folder.mkdir()
    for name in POSTER_FIGURES:
        (folder / f"{name}.svg").write_text(TALL.format(name))
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "claims.md").write_text(
        "**Claims of the paper: 3 of 4 reproduced**\n\n| claim |\n| --- |\n| a |\n"
    )
    return {"config": tmp_path / "config.yaml", "figures": folder, "claims": tmp_path / "claims.md"}


def test_the_figures_stand_in_the_order_of_the_poster(made, tmp_path):
    write_poster(tmp_path / "poster.html", **made)
    page = (tmp_path / "poster.html").read_text()
    assert re.findall(r'<figure class="(\w+)"', page) == list(POSTER_FIGURES)
    assert "3 of 4 reproduced" in page and "<script>" not in page and "&lt;script&gt;title" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)  # it needs no network
    write_poster(tmp_path / "again.html", **made)
    assert (tmp_path / "again.html").read_text() == page


def test_a_missing_figure_is_named(made, tmp_path):
    (made["figures"] / "filters.svg").unlink()
    with pytest.raises(NormeqError, match=r"no filters.svg; the experiment needs"):
        write_poster(tmp_path / "poster.html", **made)
    assert not (tmp_path / "poster.html").exists()


def test_without_a_browser_the_page_is_there_and_the_remedy_said(made, tmp_path, monkeypatch):
    monkeypatch.setattr("normeq.suite.report.poster.BROWSERS", ())
    words = ["poster", str(tmp_path / "poster.html"), "--config", str(made["config"])]
    words += ["--figures", str(made["figures"]), "--pdf", str(tmp_path / "poster.pdf")]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, NormeqError) and "no Chromium to print with" in str(result.exception)
    assert (tmp_path / "poster.html").exists() and not (tmp_path / "poster.pdf").exists()


def test_it_is_one_sheet(made, tmp_path):
    if not any(map(shutil.which, BROWSERS)):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no Chromium")
    write_poster(tmp_path / "poster.html", **made)
    print_page(tmp_path / "poster.html", tmp_path / "poster.pdf")
    printed = (tmp_path / "poster.pdf").read_bytes()
    assert printed.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
