"""The command that judges claims."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from normeq import cli
from normeq.errors import NormeqError
from tests.synthetic_claims import GAIN, LOSS, long_table


def test_the_command_writes_json_metrics_and_tables(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"claims": [GAIN, LOSS]}))
    table = long_table({("ordinary", 50): [25, 26, 27], ("norm", 50): [30, 31.5, 32.5]})
    table.to_csv(tmp_path / "n.csv", index=False)
    out = tmp_path / "out"
    words = ["claims", tmp_path / "n.csv", "--config", tmp_path / "c.yaml", "--out", out / "claims.json"]
    words += ["--metrics", out / "verdicts.json", "--out-dir", out / "tables"]
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "1 of 2 reproduced, 1 not tested" in result.output
    records = json.loads((out / "claims.json").read_text(encoding="utf-8"))
    assert list(records[0])[:6] == ["claim", "threshold", "value", "low", "high", "verdict"]
    assert json.loads((out / "verdicts.json").read_text())["claims"] == {
        "reproduced": 1, "not reproduced": 0, "not tested": 1,
    }  # fmt: skip
    shown = (out / "tables/claims.md").read_text(encoding="utf-8")
    assert "| norm is better | Set12 | norm − ordinary | 50 | ≥ 3 | 5.33 [" in shown
    assert "loss, Set12: not tested; missing: measurements of scale." in shown
    assert r"$\geq$ 3" in (out / "tables/claims.tex").read_text(encoding="utf-8")
    assert pd.read_csv(out / "tables/claims.csv")["value"][0] == records[0]["value"]


@pytest.mark.parametrize(
    "words", ["--out x.json", "--out y.json --metrics x.json", "--out y.json --out-dir .", "--out c.json"]
)
def test_what_is_read_is_not_written_over(tmp_path: Path, monkeypatch, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.json").write_text(json.dumps({"claims": [GAIN]}))
    long_table({("ordinary", 50): [25, 26], ("norm", 50): [30, 31.5]}).to_csv("claims.csv", index=False)
    (tmp_path / "x.json").write_bytes(Path("claims.csv").read_bytes())
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    given = ["claims", "claims.csv", "x.json", "--config", "c.json", *words.split()]
    result = CliRunner().invoke(cli.app, given)
    assert isinstance(result.exception, NormeqError) and "it is read here" in str(result.exception)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_mistakes_are_one_line(tmp_path: Path, monkeypatch, capsys) -> None:
    table = tmp_path / "n.csv"
    long_table({("norm", 50): [30, 31]}).to_csv(table, index=False)
    cases = {
        "absent.yaml": (None, "no such config"),
        "broken.yaml": ("claims: [", "not YAML"),
        "empty.yaml": ("experiment: x", "no claims in it"),
        "text.yaml": ("claims: yes please", "no list of claims"),
        "item.yaml": ("claims: [5]", "5 is not a claim"),
        "twice.yaml": (yaml.safe_dump({"claims": [GAIN, dict(GAIN)]}), "two claims have the id 'gain'"),
    }
    for name, (text, message) in cases.items():
        if text is not None:
            (tmp_path / name).write_text(text)
        words = ["normeq", "claims", table, "--config", tmp_path / name, "--out", tmp_path / "out.json"]
        monkeypatch.setattr("sys.argv", [str(word) for word in words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        error = capsys.readouterr().err
        assert stop.value.code == 2 and message in error and error.count("\n") == 1, error
    assert not (tmp_path / "out.json").exists()
