"""`dvc metrics diff` and `dvc plots diff` between revisions, and their page without a network."""

import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import ROOT

NUMBERS = pd.DataFrame(
    {
        "network": "tiny",
        "variant": ["norm", "norm", "scale", "scale"],
        "train_sigma": 25,
        "dataset": "set12",
        "sigma": [5, 25, 5, 25],
        "psnr": [34.0, 30.0, 32.0, 29.0],
    }
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with one commit of results, and other numbers in the working tree."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    folder = tmp_path / "project"
    shutil.copytree(
        ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local")
    )
    plan = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    # Curves; pictures are copied as they are.
    plan["plots"] = [plot for plot in plan["plots"] if isinstance(plot, dict)]
    (folder / "dvc.yaml").write_text(yaml.safe_dump(plan))
    for metrics in plan["metrics"]:
        (folder / metrics).parent.mkdir(parents=True, exist_ok=True)
        (folder / metrics).write_text(json.dumps({"psnr_db": {"norm": 30.0}}))
    for curves in [folder / file for plot in plan["plots"] for file in plot]:
        curves.parent.mkdir(parents=True, exist_ok=True)
        NUMBERS.to_csv(curves, index=False)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    (folder / plan["metrics"][0]).write_text(json.dumps({"psnr_db": {"norm": 30.5}}))
    for curves in folder.glob("results/*/tables/*.csv"):
        NUMBERS.assign(psnr=NUMBERS["psnr"] + 0.5).to_csv(curves, index=False)
    return folder


def dvc(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_metrics_and_plots_between_revisions(project):
    (changed,) = json.loads(dvc(project, "metrics", "diff", "--json")).values()
    assert changed["psnr_db.norm"] == {"old": 30.0, "new": 30.5, "diff": 0.5}

    dvc(project, "plots", "diff", "HEAD")
    page = (project / "dvc_plots/index.html").read_text(encoding="utf-8")
    spec = json.loads(re.search(r"var spec = (\{.*\});", page)[1])
    rows = pd.DataFrame(spec["data"]["values"])
    assert set(rows["rev"]) == {"HEAD", "workspace"} and len(rows) == 8
    assert spec["spec"]["encoding"]["y"]["field"] == "psnr"
    # No script, style or picture from elsewhere: the only address is the name of the SVG vocabulary.
    assert set(re.findall(r"https?://[^\"'\s<]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert "function vegaEmbed" in page
