"""The kinds of claim. Each is declared once, in its module of :mod:`normeq.suite.claims.kinds`. Made from
that are its section of the config schema, the checks before anything runs, the option of ``normeq claims``
that its numbers come from, what the workflow hands over, and its lines in tables and the report.

Declarations are read without importing the modules (see :mod:`normeq.suite.products.product`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from normeq.suite.products.product import declared

if TYPE_CHECKING:
    from normeq.suite.claims.measured import Measured
    from normeq.suite.claims.spec import Claim

PACKAGE = "normeq.suite.claims.kinds"  # one module for each


@dataclass(frozen=True, kw_only=True)
class ClaimKind:
    """A kind of claim.

    A module of :mod:`normeq.suite.claims.kinds` declares it as ``CLAIM``, by literals, and has

    - ``Stated``: its keys in the config, typed (:class:`normeq.suite.claims.spec.Claim`); the docstring is
      the description in the schema;
    - ``read(path)``: the table that it reads, with network, variant, train_sigma and dataset among its
      columns;
    - ``measure(claim, rows)``: its number (:class:`normeq.suite.claims.measured.Measured`), from the rows of
      one data set, network and training level;
    - ``check(claim, config, networks, fail)``, where the config could make it impossible to test (see
      :mod:`normeq.suite.claims.testable`).

    Attributes:
        order: position in the schema and in notes, lowest first.
        reads: file of ``results/EXPERIMENT`` that its numbers are in; called as the measurement is.
        unit: of value and threshold; empty for none.
        plural: what notes call several of it; not needed in dB.
        needs_interval: whether nothing is said of a value without an interval.
        published: whether ``measure`` gets the published values as well.
        module: full name of its module; :func:`claim_kinds` knows it.
    """

    order: int
    reads: str
    unit: str = "dB"
    plural: str = ""
    needs_interval: bool = False
    published: bool = False
    module: str = ""

    @property
    def name(self) -> str:
        """The key ``kind`` of such a claim: the name of its module."""
        return self.module.rpartition(".")[2]

    @property
    def measurement(self) -> str:
        """The measurement that it is about, such as ``noise_levels``."""
        return PurePosixPath(self.reads).stem

    @property
    def stated(self) -> type[Claim]:
        """Its keys in the config, typed."""
        return import_module(self.module).Stated

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of its keys; says the unit of the threshold."""
        from normeq.suite.config.schema import schema_of

        found = schema_of(self.stated)
        words = f"In {self.unit}." if self.unit else "A number without unit."
        properties = found["properties"]
        threshold = properties["threshold"] | {"description": words}
        return found | {"properties": properties | {"threshold": threshold}}

    @property
    def read(self) -> Callable[..., Any]:
        """The function of its module that reads the table."""
        return import_module(self.module).read

    def measure(self, claim: Claim, rows: Any, published: Any) -> Measured:
        """Measure a claim.

        Args:
            claim: of this kind.
            rows: what ``read`` gave, of one data set, network and training level.
            published: values of ``published_psnr.csv``; may be empty.

        Raises:
            Missing: what is needed is not there.
            NormeqError: it is there several times.
        """
        more = [published] if self.published else []
        return import_module(self.module).measure(claim, rows, *more)

    @property
    def check(self) -> Callable[..., None] | None:
        """The function of its module that refuses what could not be tested, if it has one."""
        return getattr(import_module(self.module), "check", None)


@cache
def claim_kinds() -> dict[str, ClaimKind]:
    """Every kind of claim by name, in order: one for each module of :mod:`normeq.suite.claims.kinds`."""
    return {kind.name: kind for kind in declared(PACKAGE, "CLAIM", ClaimKind)}


def claim_schema() -> dict[str, Any]:
    """JSON schema of a claim of any kind: its kind says which keys there are."""
    kinds = claim_kinds()
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(kinds)}},
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": name}}},
                "then": kind.schema,
            }
            for name, kind in kinds.items()
        ],
    }
