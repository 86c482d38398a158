"""docs/house.md: each kind of addition works as written, and touches as many files as its table says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/house.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^### ([\w ]+)\n\n```sh\n(.*?)^```", PAGE, flags=re.M | re.S))
COUNTS = {
    name: (int(files), int(generated))
    for name, files, generated in re.findall(r"^\| ([\w ]+) \| (\d) \| .* \| (\d) \|$", PAGE, flags=re.M)
}
GENERATED = {"workflow/schemas/config.schema.yaml", "docs/config.md"}
COPIED = (
    *(
        ".gitignore",
        "src",
        "workflow",
        "config",
        "data/datasets.yaml",
        "data/.gitignore",
        "data/files.csv",
        "data/published",
        "docs/config.md",
    ),
    *("data/set12.dvc", "data/bsd68.dvc", "data/bsd431.dvc", "results/paper/noise_levels.csv"),
)


@pytest.fixture
def checkout(tmp_path):
    """What the blocks need of this one, under Git."""
    folder = tmp_path / "checkout"
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, target, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, target)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "before")
    return folder


def git(folder, *words):
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def test_the_table_and_the_blocks_are_of_the_same_additions():
    assert list(COUNTS) == list(BLOCKS) and len(BLOCKS) == 10


@pytest.mark.parametrize("name", BLOCKS)
def test_an_addition_works_and_touches_few_files(name, checkout, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(checkout / "src"), "OUT": str(out)}
    command = ["bash", "-eu", "-o", "pipefail", "-c", BLOCKS[name]]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    changed = git(checkout, "status", "--porcelain", "--untracked-files=all").splitlines()
    files = {line[3:].strip('"') for line in changed}
    assert (len(files - GENERATED), len(files & GENERATED)) == COUNTS[name], files
