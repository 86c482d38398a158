"""A Python that finds the standard library, normeq, and some distributions with what they require."""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = ("torch", "numpy", "safetensors")  # what `pip install .` brings
PRELUDE = """
import runpy, sys

ABSENT = {absent}

class Bare:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in ABSENT else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Bare, sys.meta_path)
"""
MODULE = """
module = sys.argv.pop(1)
sys.argv[0] = module
runpy.run_module(module, run_name="__main__")
"""


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def absent(distributions: Iterable[str]) -> set[str]:
    """Top-level modules of all that is installed, but for these and all that they require, without extras."""
    wanted, known = list(distributions), set()
    while wanted:
        name = plain(wanted.pop())
        if name in known:
            continue
        known.add(name)
        try:
            found = requires(name) or []
        except PackageNotFoundError:  # not for this Python or system
            continue
        wanted += [re.match(r"[\w.-]+", line)[0] for line in found if "extra ==" not in line]
    owners = packages_distributions()
    others = {top for top, names in owners.items() if not known & set(map(plain, names))}
    return others - {"normeq"} - sys.stdlib_module_names


def run(
    folder: Path, distributions: Iterable[str], *arguments, program: str = MODULE, launcher=(), **options
):
    """Run ``python -m ARGUMENTS``, or a program, where only these distributions can be imported.

    Args:
        folder: for the script.
        launcher: of several processes, between the interpreter and the script.
    """
    script = folder / "bare.py"
    head = PRELUDE.format(absent=absent(distributions))
    script.write_text(head + textwrap.dedent(program), encoding="utf-8")
    return subprocess.run(
        [sys.executable, *launcher, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        cwd=folder,
        timeout=300,
        **options,
    )
