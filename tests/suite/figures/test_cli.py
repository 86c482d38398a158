"""``normeq figure``: each command hands its arguments to its module and names what was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from normeq.errors import NormeqError
from normeq.suite.figures.cli import figure_app

T, P, Q, OUT = Path("t.csv"), Path("p.npz"), Path("q.npz"), Path("figures/x/out")
CALLS = {
    "noise-levels t.csv": (T, OUT, None),
    "input-psnr t.csv --published data/published": (T, OUT, Path("data/published")),
    "intervals t.csv": (T, OUT),
    "filters p.npz q.npz": ([P, Q], OUT),
    "examples p.npz q.npz": ([P, Q], OUT),
    "training p.npz q.npz": ([P, Q], OUT),
    "layers": (OUT,),
    "rotation": (OUT,),
    "heatmap t.csv": (T, OUT),
    "tuning t.csv": (T, OUT),
    "interval-pictures p.npz q.npz": ([P, Q], OUT),
    "two-dimensional": (OUT,),
}


@pytest.mark.parametrize("line", CALLS)
def test_arguments_reach_the_figure(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple] = []

    def make(*arguments: object) -> list[Path]:
        seen.append(arguments)
        return [OUT.with_suffix(".svg")]

    module = line.split()[0].replace("-", "_")
    monkeypatch.setattr(f"normeq.suite.figures.{module}.make", make)
    result = CliRunner().invoke(figure_app, [*line.split(), "--out", str(OUT)])
    assert result.exit_code == 0, result.output
    assert seen == [CALLS[line]] and result.output == "figures/x/out.svg\n"


def test_three_files_are_written(tmp_path: Path) -> None:
    result = CliRunner().invoke(figure_app, ["layers", "--out", str(tmp_path / "figures" / "layers")])
    assert result.exit_code == 0
    files = sorted((tmp_path / "figures").iterdir())
    assert [path.name for path in files] == ["layers.csv", "layers.png", "layers.svg"]
    assert all(path.stat().st_size > 0 for path in files)


def test_a_missing_table_is_a_normeq_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(figure_app, ["intervals", str(tmp_path / "no.csv"), "--out", str(OUT)])
    assert isinstance(result.exception, NormeqError) and "no.csv" in str(result.exception)


def test_a_lacking_out_is_refused() -> None:
    assert CliRunner().invoke(figure_app, ["noise-levels", "t.csv"]).exit_code == 2
