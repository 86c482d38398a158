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


def test_a_checkout_knows_better(copied):
    def git(*words: str) -> str:
        who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        return subprocess.run(
            ["git", "-C", str(copied), *who, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    git("add", "normeq/__init__.py")
    git("commit", "-qm", "x")
    assert revision(copied, ELSEWHERE) == git("rev-parse", "HEAD")
