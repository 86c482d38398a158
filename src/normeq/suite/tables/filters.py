"""The filter table: sums of adaptive filters, and what the filters leave unexplained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.analysis import notebook
from normeq.suite.results.names import variant_name
from normeq.suite.results.pictures import FILTERS, META, Part, place, read_parts, training
from normeq.suite.tables.certificate import sci
from normeq.suite.tables.formats import Table

COLUMNS = [*META, "sigma", "psnr", "defect", "row", "col", "sum"]


def numbers(parts: Sequence[Part]) -> pd.DataFrame:
    """One row per denoiser, σ and pixel.

    Returns:
        network, variant, train_sigma, seed, dataset, image, crop, sigma (8-bit units), psnr (dB), defect
        (‖f(y) − J(y)y‖/‖f(y)‖ of the crop), row, col, sum.
    """
    rows = [
        {**part.meta, "sigma": sigma, "psnr": part["psnr"][i], "defect": part["defect"][i], "row": int(row),
         "col": int(col), "sum": part["sums"][i, j]}
        for part in parts
        for i, sigma in enumerate(part["sigmas"])
        for j, (row, col) in enumerate(part["pixels"])
    ]  # fmt: skip
    return pd.DataFrame(rows)[COLUMNS]


def read_filters(path: Path) -> pd.DataFrame:
    """Read the CSV of this table: the columns of :func:`numbers`.

    Raises:
        NormeqError: it is missing, or not that table.
    """
    try:
        table = pd.read_csv(
            path, dtype={"train_sigma": str, "seed": str, "image": str}, keep_default_na=False
        )
    except FileNotFoundError:
        raise NormeqError(f"no such table: {path}") from None
    except (OSError, ValueError) as error:  # pandas' errors of parsing and decoding are ValueErrors
        raise NormeqError(f"cannot read {path} as a CSV table: {' '.join(str(error).split())}") from None
    missing = [column for column in COLUMNS if column not in table]
    if missing or table.empty:
        what = f"missing column {missing[0]}" if missing else "has a header but no rows"
        raise NormeqError(f"{path}: {what}; it is not the CSV of `normeq table filters`")
    for column in ("sigma", "defect", "sum"):
        if not (pd.api.types.is_numeric_dtype(table[column]) and table[column].notna().all()):
            raise NormeqError(f"{path}: column {column} does not hold numbers alone")
    return table


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
        name = variant_name(part.meta["variant"], part.meta["network"])
        name = f"{part.meta['network']}, {name}" if several and part.meta["variant"] != "other" else name
        for i, sigma in enumerate(part["sigmas"]):
            row = {"denoiser": name, "σ": f"{sigma:g}", "PSNR": f"{part['psnr'][i]:.2f}"}
            for (r, c), total in zip(part["pixels"], part["sums"][i], strict=True):
                row[f"sum at ({r:g}, {c:g})"] = f"{total:.4f}".replace("-", "−")
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
    trained = training(parts)
    return Table(
        name="filters",
        numbers=numbers(parts),
        shown=pd.DataFrame(rows),
        title=f"Adaptive filters: {place(parts[0])}",
        notes=(
            *([f"{trained}."] if trained else []),
            *([f"Published: {notebook.SOURCE}, with other noise of the same level."] if len(theirs) else []),
            "Sum: all weights of a row of the Jacobian J(y); 1 for what is equivariant to shifts.",
            "Last column: what the filters leave unexplained; rounding for what is equivariant to scale, the"
            " share of the biases for an ordinary network, and of σ for one that is told it.",
            "σ in 8-bit units, PSNR of the crop in dB, pixels as (row, column) of the crop.",
        ),
    )
