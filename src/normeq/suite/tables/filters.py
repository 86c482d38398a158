"""The filter table: sums of adaptive filters, and what the filters leave unexplained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from normeq.suite.analysis import notebook
from normeq.suite.analysis.filters import COLUMNS, filter_sums
from normeq.suite.formats.numbers import minus, sci
from normeq.suite.formats.table import Table
from normeq.suite.results.names import denoiser_name, variant_name
from normeq.suite.results.pictures import FILTERS, crop_name, read_parts, training_name
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="Sums of adaptive filters, and what they leave unexplained.",
    order=80,
    reads="filters.npz",
    published=True,
)


def make(paths: Sequence[Path], published: Path | None = None) -> Table:
    """Build the table from the parts of ``normeq evaluate filters``, one per denoiser; with rows of published
    values where there are some of this crop."""
    parts = read_parts(paths, FILTERS)
    if not parts:
        return Table(
            name="filters",
            numbers=pd.DataFrame(columns=COLUMNS),
            shown=pd.DataFrame({"denoiser": [], "σ": []}),
            title="Adaptive filters",
            notes=("PyTorch can differentiate none of these denoisers.",),
        )
    several = len({part.meta["network"] for part in parts}) > 1
    rows = []
    for part in parts:
        name = denoiser_name(part.meta["network"], part.meta["variant"]) if several else part.name
        for i, sigma in enumerate(part["sigmas"]):
            row = {"denoiser": name, "σ": f"{sigma:g}", "PSNR": f"{part['psnr'][i]:.2f}"}
            for (r, c), total in zip(part["pixels"], part["sums"][i], strict=True):
                row[f"sum at ({r:g}, {c:g})"] = minus(f"{total:.4f}")
            rows.append(row | {"‖f(y) − J(y)y‖/‖f(y)‖": sci(part["defect"][i])})
    theirs = notebook.filters(published, parts) if published else pd.DataFrame({"variant": [], "sigma": []})
    for (variant, sigma), group in theirs.groupby(["variant", "sigma"], sort=False):
        if sigma in parts[0]["sigmas"]:
            row = {"denoiser": f"published: {variant_name(variant, '')}", "σ": f"{sigma:g}"}
            row["PSNR"] = f"{group['psnr'].iloc[0]:.2f}"
            row |= {f"sum at ({r:g}, {c:g})": "–" for r, c in parts[0]["pixels"]}
            row |= {f"sum at ({r:g}, {c:g})": f"{total:.2f}"
                    for r, c, total in group[["row", "col", "sum"]].itertuples(index=False)
                    if f"sum at ({r:g}, {c:g})" in row}  # fmt: skip
            rows.append(row | {"‖f(y) − J(y)y‖/‖f(y)‖": "–"})
    trained = training_name(parts)
    return Table(
        name="filters",
        numbers=filter_sums(parts),
        shown=pd.DataFrame(rows),
        title=f"Adaptive filters: {crop_name(parts[0])}",
        notes=(
            *([f"{trained}."] if trained else []),
            *([f"Published: {notebook.SOURCE}, with other noise of the same level."] if len(theirs) else []),
            "Sum: all weights of a row of the Jacobian J(y); 1 for what is equivariant to shifts.",
            "Last column: what the filters leave unexplained; rounding for what is equivariant to scale, the"
            " share of the biases for an ordinary network, and of σ for one that is told it.",
            "σ in 8-bit units, PSNR of the crop in dB, pixels as (row, column) of the crop.",
        ),
    )
