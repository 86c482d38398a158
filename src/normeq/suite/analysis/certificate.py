"""Which denoisers are equivariant, from the long table of ``normeq certify``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.equivariance import changes
from normeq.equivariance.changes import AUTHORS_SCALE, AUTHORS_SHIFT, KINDS
from normeq.errors import NormeqError
from normeq.suite.results.csv_files import number_cells, read_csv
from normeq.suite.results.long_tables import showing_order
from normeq.suite.results.same_pixels import check_pixels

DENOISER = ["network", "variant", "train_sigma"]
NEEDED = [
    *DENOISER,
    "seed",
    "weights",
    "kind",
    "scale",
    "shift",
    "dtype",
    "device",
    "dataset",
    "image",
    "relative",
    "absolute",
    "sigma",
    "error",
]
EPS = {
    "float64": 2.0**-52, "float32": 2.0**-23, "tf32": 2.0**-10, "emulated-tf32": 2.0**-10,
    "float16": 2.0**-10, "bfloat16": 2.0**-7, "all-float16": 2.0**-10, "all-bfloat16": 2.0**-7,
}  # fmt: skip
AUTHORS = {
    "scale": (AUTHORS_SCALE, 0.0),
    "shift": (1.0, AUTHORS_SHIFT),
    "joint": (AUTHORS_SCALE, AUTHORS_SHIFT),
}
AUTHORS_TOLERANCE = 1e-3


def tolerance(dtype: str) -> float:
    """Largest relative defect that passes for rounding, see :func:`normeq.equivariance.changes.tolerance`."""
    return changes.tolerance(EPS[dtype])


def verdict(worst: float, repeat: float, dtype: str) -> str:
    """``yes``, ``no``, or an empty string where the question cannot be decided, see
    :func:`normeq.equivariance.changes.verdict`.

    Args:
        worst: largest relative defect; infinite where the denoiser refused.
        repeat: the same for two calls on the same image.
        dtype: arithmetic.
    """
    return {True: "yes", False: "no", None: ""}[changes.verdict(worst, repeat, EPS[dtype])]


def certificate_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per denoiser, device and arithmetic: the worst over training seeds, images and changes.

    Args:
        table: as :func:`read_certificate` gives it.

    Returns:
        network, variant, train_sigma, device, dtype, seeds, tolerance, repeat (largest defect of two calls on
        the same image); for each of :data:`KINDS` the largest relative defect and its :func:`verdict`;
        published_metric (mean relative defect over the draws of Saied & Fleuret); for each kind the largest
        absolute defect of the authors' check, and whether it passes; error (the first that was raised).
    """
    # Networks that share name and seed are different ones, and no seeds of each other.
    copy = table.groupby([*DENOISER, "seed"])["weights"].transform(lambda column: pd.factorize(column)[0])
    rows = [
        dict(zip([*DENOISER, "device", "dtype"], key[:-1], strict=True)) | _summary(group, key[-2])
        for key, group in table.groupby([*DENOISER, "device", "dtype", copy.rename("copy")], sort=False)
    ]
    # Denoisers as they come, of each the devices and arithmetics in one order.
    first = {tuple(row[key] for key in DENOISER): number for number, row in reversed([*enumerate(rows)])}
    ranks = {name: rank for rank, name in enumerate(EPS)}
    rows.sort(key=lambda row: (first[tuple(row[k] for k in DENOISER)], row["device"], ranks[row["dtype"]]))
    return pd.DataFrame(rows)


def _summary(group: pd.DataFrame, dtype: str) -> dict[str, object]:
    repeat = group.loc[group["kind"] == "repeat", "relative"].max()
    found: dict[str, object] = {
        "seeds": group["seed"].nunique(), "tolerance": tolerance(dtype), "repeat": repeat
    }  # fmt: skip
    for kind, members in KINDS.items():
        worst = group.loc[group["kind"].isin(members), "relative"].max()
        found |= {f"{kind}_defect": worst, kind: verdict(worst, repeat, dtype)}
    found["published_metric"] = group.loc[group["kind"] == "published", "relative"].mean()
    for kind, (scale, shift) in AUTHORS.items():
        there = group[(group["kind"] == kind) & (group["scale"] == scale) & (group["shift"] == shift)]
        worst = there["absolute"].max()
        found |= {
            f"authors_{kind}_defect": worst,
            f"authors_{kind}": "yes" if worst < AUTHORS_TOLERANCE else "no",
        }
    return found | {"error": next((e for e in group["error"] if e), "")}


def read_certificate(path: Path) -> pd.DataFrame:
    """Read what ``normeq certify`` wrote.

    Returns:
        The table in showing order; relative and absolute defects infinite where there is an error.

    Raises:
        NormeqError: not such a table.
    """
    table = read_csv(path, NEEDED, remedy="make it with `normeq certify`")
    unknown = sorted(set(table["dtype"]) - set(EPS))
    if unknown:
        raise NormeqError(f"{path}: unknown dtype {unknown[0]!r}; known are {', '.join(EPS)}")
    for column in ("sigma", "scale", "shift"):
        table[column] = number_cells(path, table[column])
    for column in ("relative", "absolute"):
        table[column] = number_cells(path, table[column].where(table["error"] == "", "inf"))
    check_pixels({path: table}, by_size=True)
    return showing_order(table)
