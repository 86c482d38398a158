"""Docstrings are of one dialect, Google's sections, which editors and documentation tools know."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src/normeq"
HEADINGS = "Args|Arguments|Parameters|Returns?|Yields?|Raises|Errors|Gives|Attributes"
SECTION = re.compile(rf"^({HEADINGS})(,? \w+){{0,2}}:(.*)$")
ALLOWED = {"Args", "Returns", "Yields", "Raises", "Attributes"}


def odd(text):
    """Headings of a docstring that no tool takes for a section: of another name, or with text on the line."""
    found = (SECTION.match(line.strip()) for line in text.splitlines())
    return [m[0] for m in found if m and (m[0].rstrip(":") not in ALLOWED)]


@pytest.mark.parametrize(
    "text", ["Args and errors: as in f", "Returns, raises: as g", "Args: as in f", "Gives:"]
)
def test_odd_headings_are_found(text):
    assert odd(f"A function.\n\n    {text}\n") == [text]
    assert not odd("A function.\n\n    Args:\n        x: a number.\n\n    Returns:\n        x.\n")


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in SOURCE.rglob("*.py")}), ids=lambda p: p.name
)
def test_sections_are_those_that_tools_know(folder):
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = []
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                found += [f"{path.name}: {heading}" for heading in odd(ast.get_docstring(node) or "")]
    assert not found
