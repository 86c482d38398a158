"""`normeq data` as a user types it."""

import pytest
from typer.testing import CliRunner

from normeq.errors import NormeqError
from normeq.suite.data.cli import app

from .conftest import entry, png, write_registry


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if isinstance(done.exception, NormeqError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_get_and_verify(library):
    assert "3 images" in run("get", "tiny", "--data-dir", library.data)
    assert "already there" in run("get", "tiny", "--data-dir", library.data)
    assert "3 images, as pinned" in run("verify", "tiny", "--data-dir", library.data)


def test_verify_names_every_set_that_fails(library):
    write_registry(
        library.data, {"tiny": entry("dvc", 3), "hand": entry("manual", 1), "more": entry("manual", 1)}
    )
    (library.data / "more").mkdir()
    (library.data / "more" / "x.png").write_bytes(png(0))
    with pytest.raises(NormeqError, match=r"no folder .*tiny.* \| no folder .*hand"):
        run("verify", "tiny", "more", "hand", "--data-dir", library.data)


def test_list_and_info(library):
    from normeq.suite.data import pin

    write_registry(
        library.data, {"tiny": entry("dvc", 3, terms="research only"), "hand": entry("manual", None)}
    )
    listed = run("list", "--data-dir", library.data)
    assert "tiny" in listed and "any" in listed
    told = run("info", "tiny", "--data-dir", library.data)
    assert "research only" in told and pin("tiny", library.data) in told
