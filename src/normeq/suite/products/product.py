"""A table or a figure as its module declares it; the declarations are read without importing the modules.

Importing every module only to list them would load pandas and matplotlib for each ``normeq --help`` and each
plan of the workflow. So the one statement ``TABLE = TableKind(...)`` is read from the source, as setuptools
reads a version: its arguments are literals, conditions are named and not computed.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar


class Planned(Protocol):
    """What a product asks of an experiment, see :class:`normeq.suite.experiment.experiment.Experiment`."""

    @property
    def measurements(self) -> Collection[str]: ...
    def parts(self, kind: str) -> list[str]: ...


@dataclass(frozen=True, kw_only=True)
class Product:
    """A table or a figure.

    Attributes:
        help: one line for the command.
        order: position in lists and in the report, lowest first.
        reads: ``MEASUREMENT.csv`` for a long table, ``MEASUREMENT.npz`` for the parts of all denoisers,
            ``runs`` for the folders of trained networks; None where it shows no result.
        published: whether published values are shown beside ours.
        when: name of a method of the experiment that says whether there is something to show.
        otherwise: why there is nothing where that method says no.
        module: full name of its module, which has the function ``make``; :func:`declared` knows it.
    """

    help: str
    order: int
    reads: str | None
    published: bool = False
    when: str = ""
    otherwise: str = ""
    module: str = ""

    @property
    def name(self) -> str:
        """Name of its module, its files and its rule, such as ``matched_noise``."""
        return self.module.rpartition(".")[2]

    @property
    def command(self) -> str:
        """Name of its command, such as ``matched-noise``."""
        return self.name.replace("_", "-")

    @property
    def measurement(self) -> str | None:
        """The measurement that it shows; None for what shows runs, or no result."""
        kind, dot, _ = (self.reads or "").partition(".")
        return kind if dot else None

    @property
    def of_parts(self) -> bool:
        """Whether it reads several files, one per denoiser or run."""
        return self.reads == "runs" or bool(self.reads) and self.reads.endswith(".npz")

    @property
    def make(self) -> Callable[..., Any]:
        """The function of its module that makes it."""
        return importlib.import_module(self.module).make

    def lacking(self, experiment: Planned) -> str:
        """Why an experiment has none of it; empty where it has."""
        kind = self.measurement
        if kind and kind not in experiment.measurements:
            return f"the config has no evaluate.{kind}"
        if kind and not experiment.parts(kind):
            return f"evaluate.{kind} can measure none of the config's denoisers"
        return self.otherwise if self.when and not getattr(experiment, self.when)() else ""


class Ordered(Protocol):
    """What :func:`declared` finds."""

    @property
    def order(self) -> int: ...


Kind = TypeVar("Kind", bound=Ordered)


@cache
def declared(package: str, variable: str, kind: type[Kind]) -> tuple[Kind, ...]:
    """What the modules of a package declare, in order.

    Args:
        package: full name of the package.
        variable: name under which a module declares itself; modules without it declare nothing.
        kind: class of the declarations.

    Raises:
        ValueError: a declaration is no call of ``kind`` with keywords and literals alone; the message names
            its module.
    """
    spec = importlib.util.find_spec(package)
    found = []
    for module in pkgutil.iter_modules(spec.submodule_search_locations):
        loader = module.module_finder.find_spec(module.name).loader
        _, here, text = loader.get_source(module.name).partition(f"\n{variable} = ")
        if here:
            name = f"{package}.{module.name}"
            try:
                found.append(kind(module=name, **_keywords(text, kind.__name__)))
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{name}: {variable} must be {kind.__name__}(...) with literals: {error}"
                ) from None
    return tuple(sorted(found, key=lambda kind: kind.order))


def _keywords(text: str, kind: str) -> dict[str, Any]:
    """The keywords of the call with which a text begins."""
    call = _first_expression(text)
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != kind or call.args:
        raise ValueError(f"no call of {kind} with keywords alone")
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def _first_expression(text: str) -> ast.expr:
    """The expression with which a text begins: as few lines as are one. (To parse whole modules is slow.)"""
    lines = text.splitlines()
    for end in range(1, len(lines) + 1):
        try:
            return ast.parse("\n".join(lines[:end]), mode="eval").body
        except SyntaxError:
            continue
    raise ValueError("no expression")
