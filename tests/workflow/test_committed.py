"""The committed tables, figures and pages are what this code makes of the committed measurements."""

import re
import shlex
import shutil

import pytest
from typer.testing import CliRunner

from normeq.cli import app
from normeq.suite.measuring.registry import all_measurements
from tests.workflow.conftest import ROOT, Project

# Pictures are left to the eye: their bytes are those of one version of the drawing library.
SUFFIXES = (".csv", ".md", ".tex", ".json", ".html")


@pytest.mark.parametrize("experiment", ["paper", "compact"])
def test_committed_products_are_what_the_code_makes(experiment, tmp_path, monkeypatch):
    project = Project.make(tmp_path)
    kept = [f"results/{experiment}", "results/runs", f"figures/{experiment}"]
    for folder in kept:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    # As in a clone: tables of one denoiser are not committed, the collected ones hold them.
    for part in tmp_path.glob("results/**/parts/*.csv"):
        part.unlink()
    done = project.snakemake("-n", config=f"config/{experiment}.yaml")
    assert (
        done.returncode == 0 and "Forced execution" not in done.stdout + done.stderr
    )  # their stamps are right
    for stamp in tmp_path.glob(f"results/{experiment}/.made/*"):
        if stamp.name not in all_measurements():
            stamp.unlink()
    done = project.snakemake("-n", "-R", "collect", "--printshellcmds", config=f"config/{experiment}.yaml")
    assert done.returncode == 0, done.stderr
    commands = re.findall(r"^Shell command: normeq (.+?) > logs/", done.stdout + done.stderr, flags=re.M)
    assert len(commands) > 25 and {line.split()[0] for line in commands} == {
        "collect",
        "table",
        "figure",
        "metrics",
        "claims",
        "run-card",
        "report",
    }  # fmt: skip  (nothing is measured or trained)
    monkeypatch.chdir(tmp_path)
    for command in commands:
        result = CliRunner().invoke(app, shlex.split(command), catch_exceptions=False)
        assert result.exit_code == 0, (command, result.output)
    made = [path for folder in kept for path in (tmp_path / folder).rglob("*") if path.suffix in SUFFIXES]
    other = [
        str(path.relative_to(tmp_path))
        for path in made
        if path.read_bytes() != (ROOT / path.relative_to(tmp_path)).read_bytes()
    ]
    assert not other, "older than the code; delete them and run Snakemake"
