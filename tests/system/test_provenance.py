"""Where a number comes from: the revision of a checkout, or what a copy of the source was told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import normeq

ASK = "from normeq.system.provenance import git_revision; print(git_revision())"
ELSEWHERE = "0123456789abcdef0123456789abcdef01234567"


def revision(source: Path, told: str | None) -> str:
    """What a fresh process says whose package lies in ``source``."""
    environment = {k: v for k, v in os.environ.items() if k != "NORMEQ_REVISION"}
    environment |= {"PYTHONPATH": str(source)} | ({"NORMEQ_REVISION": told} if told is not None else {})
    command = [sys.executable, "-c", ASK]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The package's modules without a repository around them."""
    package = Path(normeq.__file__).parent
    skipped = shutil.ignore_patterns("*.safetensors", "__pycache__")
    shutil.copytree(package, tmp_path / "src" / "normeq", ignore=skipped)
    return tmp_path / "src"


def test_a_copy_of_the_source_says_the_revision_that_it_was_told(copied):
    assert revision(copied, None) == "None"
    assert revision(copied, "") == "None"
    assert revision(copied, ELSEWHERE) == ELSEWHERE


def git(folder: Path, *words: str) -> str:
    """Run Git in a folder, as somebody."""
    who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_checkout_knows_better(copied, monkeypatch):
    git(copied, "init", "-q")
    git(copied, "add", "normeq/system/provenance.py")
    git(copied, "commit", "-qm", "x")
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as in a hook
    assert revision(copied, ELSEWHERE) == git(copied, "--git-dir", ".git", "rev-parse", "HEAD")


def test_a_repository_around_an_installed_copy_is_not_ours(copied):
    git(copied, "init", "-q")
    git(copied, "commit", "-qm", "x", "--allow-empty")
    assert revision(copied, ELSEWHERE) == ELSEWHERE


@pytest.mark.parametrize("told", ["abc\ndef", "https://example.org/x", "a b"])
def test_a_revision_that_is_none_is_refused(copied, told):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        revision(copied, told)
    assert "is no name of a commit" in failed.value.stderr
