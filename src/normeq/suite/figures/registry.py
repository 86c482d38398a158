"""The register of figures: the modules of this package that declare ``FIGURE = FigureKind(...)``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from normeq.suite.products.product import Product, declared


@dataclass(frozen=True, kw_only=True)
class FigureKind(Product):
    """A figure; its module has ``make([source], out, [published])``, which returns the files written.

    Attributes:
        in_report: whether each experiment has it; otherwise it is drawn for the documentation.
    """

    in_report: bool = True


def figure_files(out: Path) -> dict[str, Path]:
    """The files of a figure: format -> path; OUT may have the suffix of one of them."""
    out = Path(out)
    stem = out.stem if out.suffix in {".svg", ".png", ".csv"} else out.name
    return {kind: out.with_name(f"{stem}.{kind}") for kind in ("svg", "png", "csv")}


def figures() -> tuple[FigureKind, ...]:
    """All figures, in the order of the report."""
    return declared("normeq.suite.figures", "FIGURE", FigureKind)
