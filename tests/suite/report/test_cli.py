"""Report, poster and run card never write over what they read."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from normeq import cli
from normeq.errors import NormeqError

COMMANDS = {
    **{
        f"report x.html {option} x.html": "x.html"
        for option in ("--table", "--figure", "--gallery", "--noise-levels", "--intervals", "--timing")
    },
    "report x.html": "x.html",  # the config
    "poster x.html --figures .": "x.html",
    "poster y.html --figures . --claims y.html": "y.html",
    "poster y.html --figures . --pdf link": "x.html",
    "run-card . --noise-levels x.html --out link.md": "x.html",
    "run-card . --noise-levels y.html --out link.md": "x.html",
}


@pytest.mark.parametrize("line", COMMANDS)
def test_an_input_is_never_the_output(line, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.html").write_text("read")
    Path("y.html").write_text("read too")
    for name in ("link", "link.md"):
        Path(name).symlink_to("x.html")
    result = CliRunner().invoke(cli.app, [*line.split(), "--config", "x.html"])
    assert isinstance(result.exception, NormeqError)
    assert f"{COMMANDS[line]}" in str(result.exception) and "is read here" in str(result.exception)
    assert Path("x.html").read_text() == "read" and Path("y.html").read_text() == "read too"
