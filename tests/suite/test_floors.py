"""The rooms of the package lie on floors: what is imported lies below, and the library knows no suite."""

from __future__ import annotations

import ast
from pathlib import Path

import normeq

SOURCE = Path(normeq.__file__).parent
# From the ground up. Rooms of one floor do not know each other.
LIBRARY = [
    {"errors"},
    {"system"},
    {"nn", "classical"},
    {"imaging"},
    {"equivariance", "training"},
    {"denoisers", "conversion"},
]
SUITE = [
    {"suite.config", "suite.formats"},
    {"suite.data", "suite.statistics"},
    {"suite.results", "suite.training"},
    {"suite.analysis", "suite.measuring"},
    {"suite.measurements", "suite.products"},
    {"suite.claims", "suite.tables", "suite.figures"},
    {"suite.compare", "suite.report", "suite.experiment"},
    {"suite.commands"},
    {"suite.campaign"},
]
FLOORS = [*LIBRARY, *SUITE, {"cli"}, {"__main__"}]
# What still runs back up: file -> rooms. Take an entry out when it is cured; none may be added.
BACK_UP: dict[str, set[str]] = {}


def room(module: str) -> str:
    """``normeq.suite.tables.cli`` lies in ``suite.tables``, ``normeq.nn.sort`` in ``nn``."""
    parts = module.split(".")[1:]
    return ".".join(parts[: 2 if parts[0] == "suite" else 1])


def imported(file: Path) -> set[str]:
    """Rooms that a file imports, inside functions too; the face of the package (its version) is none."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: relative import"
            # `from normeq.suite import tables` names the room after the import.
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
    rooms = {room(module) for module in modules if module.startswith("normeq.")}
    return rooms - {"__version__", "load"}


def files() -> dict[str, Path]:
    found = {file.relative_to(SOURCE).as_posix(): file for file in SOURCE.rglob("*.py")}
    return {name: file for name, file in found.items() if name != "__init__.py"}


def own_room(name: str) -> str:
    return room(".".join(["normeq", *Path(name).with_suffix("").parts]))


def height(name: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if name in floor)


def test_every_room_has_a_floor() -> None:
    rooms = {own_room(name) for name in files() if name != "suite/__init__.py"}
    assert rooms == set().union(*FLOORS)


def test_no_import_runs_back_up() -> None:
    wrong: dict[str, set[str]] = {}
    for name, file in files().items():
        here = own_room(name)
        above = {there for there in imported(file) - {here} if height(there) >= height(here)}
        if above:
            wrong[name] = above
    assert wrong == BACK_UP


def test_the_library_knows_no_suite() -> None:
    library = set().union(*LIBRARY)
    for name, file in files().items():
        if own_room(name) in library:
            assert not [there for there in imported(file) if there.startswith("suite")], name


def test_tables_figures_and_claims_only_show() -> None:
    """Floor mates do not know each other: said by name, since it is what the floors are for."""
    show = {"suite.claims", "suite.tables", "suite.figures", "suite.report", "suite.compare"}
    for name, file in files().items():
        if own_room(name) in {"suite.formats", "suite.results", "suite.statistics", "suite.analysis"}:
            assert not imported(file) & show, name
