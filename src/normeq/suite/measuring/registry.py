"""The measurements. Each is declared once, in the module that evaluates it. Made from that are its command,
its section of the config schema, the checks, the names of its files and its rule in the workflow.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from pydantic import BaseModel

from normeq.suite.config.settings import Planned, Settings

PACKAGE = "normeq.suite.measurements"  # one module for each


@dataclass(frozen=True)
class Measurement:
    """What is measured on denoisers, one file for each of them.

    A module of :mod:`normeq.suite.measurements` declares it as ``MEASUREMENT`` and has a function
    ``evaluate(denoiser, …)`` whose parameters are the settings by name (``images`` is called
    ``limit``), then ``data_dir`` and ``device``, and ``protocol`` and ``row_cache`` where the two flags below
    say so.

    Attributes:
        name: key under ``evaluate`` in the config, and beginning of file names; with ``-`` for ``_`` the
            command.
        settings: its settings, typed; the docstring is the description in the schema and of the command.
        columns: of the long table; empty where it writes arrays (.npz).
        labels: columns of its own that tell its rows apart, beside those that several measurements have
            (:data:`normeq.suite.measuring.rows.SHARED`).
        of: which denoisers: ``every``; ``first`` the first network's variants, at its first noise level
            and seed; ``each`` the same of every network; pretrained networks and users' denoisers always.
        derivatives: whether the denoiser must be differentiable.
        follows_protocol: whether ``evaluate.protocol`` counts; others keep the paper's.
        reuses_rows: whether rows measured before are taken over (see
            :mod:`normeq.suite.measuring.row_cache`).
        revision: raised when what it holds changes and its settings do not, so that older files are not taken
            for it.
        far: whether its ranges may lie far from zero, where the mean of an image may be taken out (see
            :mod:`normeq.equivariance.centring`).
        unkeyed: settings that file names need not carry: (name, None) of what adds denoisers beside, and
            (name, value) of the usual value of a setting that came later.
    """

    name: str
    settings: type[Settings]
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    of: Literal["every", "first", "each"] = "every"
    derivatives: bool = False
    follows_protocol: bool = False
    reuses_rows: bool = False
    revision: int = 1
    far: bool = False
    unkeyed: tuple[tuple[str, Any], ...] = ()

    @property
    def command(self) -> str:
        return self.name.replace("_", "-")

    @property
    def suffix(self) -> str:
        return "csv" if self.columns else "npz"

    def evaluate(self, denoiser: Any, settings: Settings, **setup: Any) -> Any:
        """Measure: rows of :attr:`columns`, or a dictionary of arrays.

        Args:
            denoiser: see :class:`normeq.denoisers.open.Denoiser`.
            settings: of the type :attr:`settings`.
            setup: ``data_dir``, ``device``, and ``protocol`` and ``row_cache`` where they count; a
                setting by its name replaces that of ``settings``.
        """
        values = {
            name: getattr(settings, name)
            for name, field in type(settings).model_fields.items()
            if not any(isinstance(mark, Planned) for mark in field.metadata)
        }
        if "images" in values:
            values["limit"] = values.pop("images")
        module = import_module(f"{PACKAGE}.{self.name}")
        return module.evaluate(denoiser, **(values | setup))


@cache
def all_measurements() -> dict[str, Measurement]:
    """Every measurement by name: one for each module of :mod:`normeq.suite.measurements`."""
    found = {}
    for module in pkgutil.iter_modules(find_spec(PACKAGE).submodule_search_locations):
        declared = import_module(f"{PACKAGE}.{module.name}").MEASUREMENT
        if declared.name != module.name:
            raise ValueError(f"{module.name}.py declares a measurement called {declared.name}")
        found[declared.name] = declared
    return found


def is_section(kind: Any) -> bool:
    """Whether a type is a group of settings."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)
