"""A kind of claim is declared once, in its module, and all else is made from that."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from typing import get_args

import pytest
from typer.main import get_command

from normeq.cli import app
from normeq.errors import NormeqError
from normeq.suite.claims import kinds
from normeq.suite.claims.cli import POSITIONAL
from normeq.suite.claims.registry import claim_kinds, claim_schema
from normeq.suite.claims.spec import Claim
from normeq.suite.claims.table import make
from normeq.suite.measuring.registry import all_measurements

RECORD = {
    **{"claim": "so it is", "verdict": "reproduced", "id": "x", "bound": "at most", "stated": "before"},
    **{"dataset": "set12", "network": "net", "train_sigma": "25", "sigma": 25.0, "subject": "norm"},
    **{"threshold": 2.0, "value": 1.5, "low": None, "high": None, "p_holm": None, "note": ""},
}


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(kinds.__path__)])
def test_every_module_declares_one_kind(name: str) -> None:
    module, kind = importlib.import_module(f"{kinds.__name__}.{name}"), claim_kinds()[name]
    assert kind == replace(module.CLAIM, module=module.__name__)
    assert issubclass(module.Stated, Claim) and kind.stated is module.Stated
    assert get_args(module.Stated.model_fields["kind"].annotation) == (name,)
    assert kind.read is module.read and callable(module.measure)
    assert kind.measurement in all_measurements()
    assert kind.unit == "dB" or kind.plural  # notes call it by that
    if kind.measurement not in POSITIONAL:  # a table for tests of the configs' claims
        assert importlib.import_module(f"tests.suite.claims.kinds.test_{name}").made_up


def test_orders_differ() -> None:
    orders = [kind.order for kind in claim_kinds().values()]
    assert orders == sorted(set(orders))


def test_the_command_has_an_option_for_each_table() -> None:
    command = get_command(app).commands["claims"]  # type: ignore[attr-defined]
    tables = {kind.measurement for kind in claim_kinds().values()}
    shown = {one.name: one.param_type_name for one in command.params}
    assert {name: shown[name] for name in tables} == {
        name: "argument" if name in POSITIONAL else "option" for name in tables
    }
    assert set(shown) - tables - {"help"} == {"config", "out", "published", "metrics", "out_dir"}


def test_the_schema_says_the_unit_of_each_threshold() -> None:
    units = {}
    for branch in claim_schema()["allOf"]:
        name = branch["if"]["properties"]["kind"]["const"]
        units[name] = branch["then"]["properties"]["threshold"]["description"]
    assert list(units) == claim_schema()["properties"]["kind"]["enum"] == list(claim_kinds())
    assert units["gain"] == "In dB." and units["defect"] == "A number without unit."


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (["gain"], "fixed before the results; dB."),
        (["filters", "level"], "; dB, but for filters: no unit, the largest found."),
        (["filters", "defect"], "; dB, but for defects and filters: no unit, the largest found."),
    ],
)
def test_the_note_says_the_units_that_are_there(there: list[str], words: str) -> None:
    assert make([RECORD | {"kind": kind} for kind in there]).notes[0].endswith(words)


def test_what_has_no_unit_is_written_by_its_digits() -> None:
    tiny = RECORD | {"value": 1.5e-7}
    shown = make([tiny | {"kind": "defect"}, tiny | {"kind": "level"}]).shown["found [95 %]"]
    assert list(shown) == ["1.5e−7", "0.00"]


def test_a_kind_that_there_is_not_names_those_that_there_are() -> None:
    with pytest.raises(NormeqError, match="kind 'gian' is not one of gain, interval_loss, level"):
        Claim.from_dict({"id": "x", "kind": "gian"})
