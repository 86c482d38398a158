"""The three lists of dependencies agree, and what README and Makefile promise is there."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import normeq

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Names on conda-forge and bioconda that differ from those on PyPI.
CONDA_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "seaborn-base": "seaborn",
    "snakemake-minimal": "snakemake",
}


def split(requirement: str) -> tuple[str, str]:
    name, bounds = re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", requirement.replace(" ", "")).groups()
    return re.sub(r"[-_.]+", "-", name).lower(), bounds


def required(*more: str) -> dict[str, str]:
    extras = PROJECT["optional-dependencies"]
    wanted = [requirement for extra in ("test", "lint", *more) for requirement in extras[extra]]
    return dict(map(split, [*PROJECT["dependencies"], *wanted]))


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(split(line) for line in lines if line and not line.startswith("#"))


def test_the_conda_environment_is_in_step():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = dict(map(split, entries))
    python, _ = conda.pop("python"), conda.pop("pip")
    assert python.startswith(PROJECT["requires-python"])
    assert {CONDA_NAMES.get(name, name): bounds for name, bounds in conda.items()} == required()


def test_every_dependency_is_pinned_within_its_bounds():
    for name, bounds in required("slurm").items():
        version, low = pinned()[name], bounds.removeprefix(">=")
        assert version.startswith("=="), name
        number = [int(part) for part in version.removeprefix("==").split(".") if part.isdigit()]
        assert number >= [int(part) for part in low.split(".")], name


def test_pins_are_plain_versions():
    for name, version in pinned().items():
        assert re.fullmatch(r"==[0-9][0-9a-z.]*", version), f"{name}{version}: a path, host or local version"


def test_citation_and_changelog_know_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == normeq.__version__
    assert f"## {normeq.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_readme_names_only_targets_that_exist():
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), flags=re.M))
    named = set(re.findall(r"`make ([a-z]+)|^ *make ([a-z]+)", (ROOT / "README.md").read_text(), flags=re.M))
    named = {one or other for one, other in named}
    assert named and named <= targets


def make(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            'case "$*" in *version_info*) exit 1;; --version) echo Python 3.9.2;; esac',
            "Python 3.11 or newer is needed",
        ),
        ('case "$*" in *ensurepip*) exit 1;; esac', "cannot make environments; install its venv package"),
    ],
)
def test_an_unfit_python_is_one_line(tmp_path, script, words):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    done = make("reproduce", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    errors = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert len(errors) == 1 and errors[0].startswith("normeq: error: ") and words in errors[0]
    assert not (tmp_path / "venv").exists()
