"""``normeq table``: the commands write what the modules make."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from normeq.errors import NormeqError
from normeq.suite.tables.cli import table_app
from tests import synthetic


def test_each_command_writes_its_table(tmp_path: Path) -> None:
    levels, ranges, out = tmp_path / "n.csv", tmp_path / "i.csv", tmp_path / "tables"
    synthetic.noise_levels(images={"set12": 3}, sigmas=(5, 25)).to_csv(levels, index=False)
    synthetic.intervals(images={"set12": 3}).to_csv(ranges, index=False)
    for command, table in (("matched-noise", levels), ("generalisation", levels), ("intervals", ranges)):
        result = CliRunner().invoke(table_app, [command, str(table), "--out-dir", str(out)])
        assert result.exit_code == 0, result.output
        for suffix in ("csv", "md", "tex"):
            path = out / f"{command.replace('-', '_')}.{suffix}"
            assert path.stat().st_size > 0 and path.name in result.output.replace("\n", "")


def test_a_missing_table_is_a_normeq_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        table_app, ["intervals", str(tmp_path / "no.csv"), "--out-dir", str(tmp_path)]
    )
    assert isinstance(result.exception, NormeqError) and "no.csv" in str(result.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["matched-noise", "generalisation", "intervals"])
def test_help_names_the_output(command: str) -> None:
    assert "--out-dir" in CliRunner().invoke(table_app, [command, "--help"], env={"COLUMNS": "120"}).output
