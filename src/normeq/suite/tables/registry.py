"""The register of tables: the modules of this package that declare ``TABLE = TableKind(...)``."""

from __future__ import annotations

from dataclasses import dataclass

from normeq.suite.products.product import Product, declared


@dataclass(frozen=True, kw_only=True)
class TableKind(Product):
    """A table; its module has ``make(source, [published])``, which returns the table."""

    reads: str


def tables() -> tuple[TableKind, ...]:
    """All tables, in the order of the report."""
    return declared("normeq.suite.tables", "TABLE", TableKind)
