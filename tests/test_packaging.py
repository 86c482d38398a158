"""The three lists of dependencies agree, and what README and Makefile promise is there."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import normeq
from tests import bare

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


def extra(name: str) -> list[str]:
    """Requirements of an extra, with those of the extras that it includes."""
    found = []
    for requirement in PROJECT["optional-dependencies"][name]:
        inner = re.fullmatch(r"normeq\[(.*)\]", requirement)
        found += [one for part in inner[1].split(",") for one in extra(part)] if inner else [requirement]
    return found


def required(*more: str) -> dict[str, str]:
    wanted = [requirement for name in ("test", "lint", *more) for requirement in extra(name)]
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


def test_the_library_needs_little_and_tests_and_lint_the_suite():
    assert [split(requirement)[0] for requirement in PROJECT["dependencies"]] == list(bare.LIBRARY)
    assert set(extra("files") + extra("cli")) < set(extra("suite"))
    assert set(extra("suite")) <= set(extra("test")) & set(extra("lint")) & set(extra("slurm"))


def test_no_page_installs_by_a_name_that_is_not_ours_on_the_index():
    """`pip install normeq` would take whatever somebody put there."""
    files = [file for end in ("*.md", "*.py", "*.yaml", "*.yml") for file in ROOT.rglob(end)]
    for file in files:
        if not {".venv", "site", ".snakemake"} & set(file.relative_to(ROOT).parts) and file != Path(__file__):
            assert not re.search(r"pip install ['\"]?normeq", file.read_text(encoding="utf-8")), file


# Modules that are called otherwise than what is installed.
DISTRIBUTIONS = {"PIL": "pillow", "yaml": "pyyaml", "skimage": "scikit-image", "pydantic_core": "pydantic"}
# Imported without being asked for: pooch brings requests, DVC dvc_data; bm3d is the user's.
UNDECLARED = {"requests", "dvc_data", "bm3d"}
# Asked for, but imported by what else is asked for.
FOR_OTHERS = {"pywavelets", "snakemake", "pygments", "tifffile"}


def imported() -> set[str]:
    """What the package imports of others, inside functions too, by the names of distributions."""
    found = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            found |= {name.partition(".")[0] for name in names}
    found -= sys.stdlib_module_names | {"normeq"}
    return {DISTRIBUTIONS.get(name, name) for name in found}


def test_what_is_imported_is_asked_for_and_what_is_asked_for_imported():
    wanted = dict(map(split, [*PROJECT["dependencies"], *extra("suite"), *extra("onnx")]))
    assert imported() - UNDECLARED == set(wanted) - (FOR_OTHERS - imported())


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


def test_make_works_in_a_folder_whose_name_has_a_space(tmp_path):
    folder = tmp_path / "two words"
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, folder)
    for name in ("python", "snakemake", "normeq", "ruff", "snakefmt", "sphinx-build"):
        tool = folder / ".venv" / "bin" / name
        tool.write_text(f"#!/bin/sh\necho {name} is called\n")
        tool.chmod(0o755)
    for name in (".installed", ".installed-dev"):
        (folder / ".venv" / name).touch()
    targets = re.findall(r"^([a-z]+):.*\.installed", (folder / "Makefile").read_text(), flags=re.M)
    assert len(targets) > 8
    for target in targets:
        done = subprocess.run(["make", target], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0 and "is called" in done.stdout, (target, done.stderr)


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
