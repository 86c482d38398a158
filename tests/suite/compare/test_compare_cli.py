"""``normeq compare``: the command, and mistakes in it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from normeq import cli
from normeq.errors import NormeqError
from tests import synthetic
from tests.suite.compare.tables import IMAGES, levels, written


def test_the_command(tmp_path: Path) -> None:
    table = levels()
    a, b = map(str, written(tmp_path, a=table, b=table))
    run = CliRunner().invoke
    assert run(cli.app, ["compare", a, b]).output.startswith("# What changed\n")
    assert run(cli.app, ["compare", a, b, "--format", "html"]).output.startswith("<!doctype html>")
    out = tmp_path / "new" / "changes.html"
    assert run(cli.app, ["compare", a, b, "--out", str(out)]).output.strip().endswith("changes.html")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")  # by the name of the file
    run(cli.app, ["compare", a, b, "--out", str(out), "--format", "tex"])
    assert out.read_text(encoding="utf-8").startswith("% A: ")
    two = levels(networks=("one", "two"))
    other = two.assign(network=two["network"] + "=x")
    a, b = map(str, written(tmp_path, a=two, b=other))
    both = ["--rename", "one=one=x", "--rename", "two=two=x"]
    text = run(cli.app, ["compare", a, b, *both]).output
    assert (
        f"{len(two)} measurements in both" in text and "Network two of A is compared with two=x of B." in text
    )


def test_mistakes_are_one_line(tmp_path: Path, monkeypatch, capsys) -> None:
    table = levels()
    written(
        tmp_path, a=table, i=synthetic.intervals(images=IMAGES), far=table.assign(sigma=table["sigma"] + 1)
    )
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "else.csv").write_text("x,y\n1,2\n")
    (tmp_path / "bytes.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    a = str(tmp_path / "a.csv")
    cases = [
        ([a, tmp_path / "none.csv"], "no such table"),
        ([a, tmp_path / "empty.csv"], "cannot read"),
        ([tmp_path / "bytes.csv", a], "bytes.csv"),
        ([a, tmp_path / "else.csv"], "is no long table"),
        ([a, tmp_path / "i.csv"], "compare tables of one kind"),
        ([a, tmp_path / "far.csv"], "no measurement in common"),
        ([a, a, "--format", "pdf"], "choose from md, tex, html"),
        ([a, a, "--out", tmp_path / "new.docx"], "let it end in .md, .tex, .html, or give --format"),
        ([a, a, "--rename", "mine=fdncnn8x32"], "a.csv has no network 'mine', only fdncnn8x32"),
        ([a, a, "--rename", "fdncnn8x32"], "write OLD=NEW"),
        ([a, a, "--rename", "=fdncnn8x32"], "write OLD=NEW"),
        ([a, a, "--rename", "x=y", "--rename", "x=z"], "x is already renamed to y"),
    ]
    for words, message in cases:
        monkeypatch.setattr("sys.argv", ["normeq", "compare", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        error = capsys.readouterr().err
        assert stop.value.code == 2 and message in error and error.count("\n") == 1, error


@pytest.mark.parametrize("number", [0, 1])
def test_a_comparison_is_not_written_over_its_tables(tmp_path: Path, number: int) -> None:
    paths = written(tmp_path, a=levels(), b=levels())
    before = [path.read_bytes() for path in paths]
    words = ["compare", *map(str, paths), "--format", "md", "--out", str(paths[number])]
    error = CliRunner().invoke(cli.app, words).exception
    assert isinstance(error, NormeqError) and f"{paths[number]}: it is read here" in str(error)
    assert [path.read_bytes() for path in paths] == before
