"""Tables and figures are declared once, in their modules, and found without being imported."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from typer.main import get_command

import normeq.suite.figures
import normeq.suite.tables
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.experiment.experiment import Experiment
from normeq.suite.experiment.read import read_experiment
from normeq.suite.figures.cli import figure_app
from normeq.suite.figures.registry import FigureKind, figures
from normeq.suite.measuring.registry import all_measurements
from normeq.suite.products.product import Product, declared
from normeq.suite.tables.cli import table_app
from normeq.suite.tables.registry import tables

ROOT = Path(__file__).parents[3]
REGISTERS = {
    "tables": (normeq.suite.tables, "TABLE", tables),
    "figures": (normeq.suite.figures, "FIGURE", figures),
}
COMMANDS = {
    "tables": "certificate comparisons filters generalisation intervals law matched-noise protocols tiles"
    " tuning variance",
    "figures": "defect examples filters heatmap input-psnr interval-pictures intervals law layers microscopy"
    " noise-levels rotation tiles training tuning two-dimensional",
}
HEAVY = ("pandas", "matplotlib", "scipy", "torch", "seaborn")


@pytest.mark.parametrize("room", REGISTERS)
def test_every_module_that_makes_something_declares_it_once(room: str) -> None:
    package, variable, register = REGISTERS[room]
    found = {product.name: product for product in register()}
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        assert hasattr(loaded, "make") == hasattr(loaded, variable) == (module.name in found), module.name
        if module.name in found:
            assert found[module.name] == replace(getattr(loaded, variable), module=loaded.__name__)
            assert found[module.name].make is loaded.make
    assert len({product.order for product in found.values()}) == len(found)


@pytest.mark.parametrize(("room", "app"), [("tables", table_app), ("figures", figure_app)])
def test_each_has_a_command_with_its_options(room: str, app) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert sorted(commands) == COMMANDS[room].split()
    for product in REGISTERS[room][2]():
        parameters = {one.name: one for one in commands[product.command].params}
        out = {"tables": "out_dir", "figures": "out"}[room]
        expected = {out: True, "source": bool(product.reads), "published": product.published}
        assert set(parameters) - {"help"} == {name for name, there in expected.items() if there}
        assert commands[product.command].help == product.help
        if product.reads:
            assert (parameters["source"].nargs == -1) == product.of_parts


@pytest.mark.parametrize("room", REGISTERS)
def test_what_is_read_is_a_measurement_and_conditions_are_of_the_experiment(room: str) -> None:
    for product in REGISTERS[room][2]():
        if product.measurement:
            assert product.reads == f"{product.measurement}.{all_measurements()[product.measurement].suffix}"
        assert bool(product.when) == bool(product.otherwise)
        assert not product.when or callable(getattr(Experiment, product.when))


def test_captions_are_there() -> None:
    captions = {file.stem for file in (ROOT / "workflow/report").glob("*.rst")}
    assert {table.name for table in tables()} <= captions
    assert {f"figure_{figure.name}" for figure in figures() if figure.in_report} <= captions


@pytest.mark.parametrize("name", ["compact", "paper"])
def test_an_experiment_has_the_tables_and_figures_that_are_committed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    config = yaml.safe_load(Path(f"config/{name}.yaml").read_text(encoding="utf-8"))
    schema = yaml.safe_load(Path("workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    experiment = read_experiment(resolve_config(config, schema))
    made = {figure.name for figure in figures() if figure.in_report and not figure.lacking(experiment)}
    assert made == {file.stem for file in Path("figures", name).glob("*.svg")}
    made = {table.name for table in tables() if not table.lacking(experiment)}
    assert made | {"claims"} == {file.stem for file in Path("results", name, "tables").glob("*.md")}


class Small:
    """An experiment with one denoiser of which only noise levels can be measured."""

    @property
    def measurements(self) -> list[str]:
        return ["noise_levels", "filters"]

    def parts(self, kind: str) -> list[str]:
        return [] if kind == "filters" else ["part.csv"]

    def has_training_logs(self) -> bool:
        return False

    def has_several_noise_levels(self) -> bool:
        return True

    def has_series_of_lengths(self) -> bool:
        return False


def test_what_an_experiment_lacks_is_said() -> None:
    reasons = {figure.name: figure.lacking(Small()) for figure in figures() if figure.name != "defect"}
    assert {name for name, reason in reasons.items() if not reason} == {
        "noise_levels", "input_psnr", "layers", "two_dimensional", "rotation",
    }  # fmt: skip
    assert reasons["heatmap"] == "the config has no evaluate.heatmap"
    assert reasons["filters"] == "evaluate.filters can measure none of the config's denoisers"
    assert reasons["law"] == "the config has no network trained at enough lengths, all else alike"
    assert reasons["training"] == "the config has no run with a log of training"


def test_the_command_and_the_registers_load_nothing_heavy() -> None:
    program = (
        "import sys, normeq.cli\n"
        "from normeq.suite.figures.registry import figures\n"
        "from normeq.suite.tables.registry import tables\n"
        f"assert figures() and tables(); print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write the modules of a package and read what they declare; to import one would fail."""

    def read(**modules: str) -> tuple[Product, ...]:
        folder = tmp_path / f"package_{uuid4().hex}"
        folder.mkdir()
        (folder / "__init__.py").touch()
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(f"import not_installed\n{text}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return declared(folder.name, "FIGURE", FigureKind)

    return read


def test_a_new_figure_is_one_file(package) -> None:
    last, first = package(
        late='FIGURE = FigureKind(\n    help="A (late) one.",\n    order=9,\n    reads="tiles.npz",\n)\n',
        early='FIGURE = FigureKind(help="An early one.", order=1, reads="tiles.csv", published=True)\nx = 1',
        plain="def helper(): ...",
    )[::-1]
    assert (first.name, first.measurement, first.of_parts, first.published) == ("early", "tiles", False, True)
    assert (last.command, last.of_parts, last.help) == ("late", True, "A (late) one.")


@pytest.mark.parametrize(
    "text",
    [
        "FIGURE = FigureKind(help='x', order=number, reads=None)",
        "FIGURE = FigureKind('x', order=1, reads=None)",
        "FIGURE = FigureKind(help='x', order=1)",
        "FIGURE = FigureKind(help='x', order=1, reads=None, colour='red')",
        "FIGURE = other(help='x', order=1, reads=None)",
        "FIGURE = None",
        "FIGURE = FigureKind(help='x'",
    ],
)
def test_a_wrong_declaration_names_its_module(package, text: str) -> None:
    with pytest.raises(ValueError, match="odd: FIGURE must be FigureKind"):
        package(odd=text)
