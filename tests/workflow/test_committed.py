"""The committed tables, figures and pages are what this code makes of the committed measurements."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from normeq.cli import app
from normeq.suite.measuring.registry import all_measurements
from tests.workflow.conftest import ROOT, Project

# Pictures are left to the eye: their bytes are those of one version of the drawing library.
SUFFIXES = (".csv", ".md", ".tex", ".json", ".html")


@pytest.mark.parametrize("experiment", ["paper", "compact", "poster", "law"])
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
    assert len(commands) > 25 and {line.split()[0] for line in commands} <= {
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
        str(path.relative_to(tmp_path)) for path in made if not alike(path, ROOT / path.relative_to(tmp_path))
    ]
    assert not other, "older than the code; delete them and run Snakemake"


def alike(made: Path, committed: Path) -> bool:
    """Whether two files are the same; numbers of a CSV up to the last digits, in which processors differ."""
    if made.read_bytes() == committed.read_bytes():
        return True
    if made.suffix != ".csv":
        return False
    one, two = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (made, committed))
    if one.shape != two.shape or list(one) != list(two):
        return False
    pairs = zip(one.to_numpy().ravel(), two.to_numpy().ravel(), strict=True)
    return all(
        a == b or (is_number(a) and is_number(b) and float(a) == pytest.approx(float(b), rel=1e-9))
        for a, b in pairs
    )


def is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def test_alike(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\nnorm,29.779222211206832\n")
    for text, same in (
        ("norm,29.77922221120683", True),
        ("norm,29.7792223", False),
        ("other,29.77922221120683", False),
    ):
        (tmp_path / "b.csv").write_text(f"x,y\n{text}\n")
        assert alike(tmp_path / "a.csv", tmp_path / "b.csv") == same
