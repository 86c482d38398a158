"""The table of ✓ and ✗: which denoisers are equivariant, from the long table of ``normeq certify``."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.long_tables import showing_order
from normeq.suite.results.names import counted, dataset_name, part_note, variant_name
from normeq.suite.tables.formats import Table

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
KINDS = {  # which changes a question is about; scaling and shifting alone are joint changes too
    "scale": ["scale"],
    "shift": ["shift"],
    "joint": ["scale", "shift", "joint"],
}
EPS = {
    "float64": 2.0**-52, "float32": 2.0**-23, "tf32": 2.0**-10, "emulated-tf32": 2.0**-10,
    "float16": 2.0**-10, "bfloat16": 2.0**-7, "all-float16": 2.0**-10, "all-bfloat16": 2.0**-7,
}  # fmt: skip
COARSEST = 1e-3  # a larger tolerance would let real defects through
AUTHORS = {"scale": (40.0, 0.0), "shift": (1.0, 10.0), "joint": (40.0, 10.0)}
AUTHORS_TOLERANCE = 1e-3
SIGNS = {"yes": "✓", "no": "✗", "": ""}


def tolerance(dtype: str) -> float:
    """Largest relative defect that passes for rounding: √ε, where ε is the spacing of numbers at 1.

    No computation is exact beyond ε, and a denoiser without the property misses by a good part of 1; √ε lies
    halfway between the two on a logarithmic scale. So a ✓ says: at least half of the digits agree.
    """
    return math.sqrt(EPS[dtype])


def verdict(worst: float, repeat: float, dtype: str) -> str:
    """``yes``, ``no``, or an empty string where the question cannot be decided.

    Args:
        worst: largest relative defect; infinite where the denoiser refused.
        repeat: the same for two calls on the same image: what is random is not a defect, and hides one.
        dtype: arithmetic; one whose tolerance exceeds :data:`COARSEST` decides nothing.
    """
    if repeat > tolerance(dtype) or tolerance(dtype) > COARSEST:
        return ""
    return "yes" if worst <= tolerance(dtype) else "no"


def make(path: Path) -> Table:
    """Build the table: one row per denoiser, device and arithmetic; worst over training seeds, images and
    changes.

    Raises:
        NormeqError: not a long table of ``normeq certify``.
    """
    table = read_certificate(path)
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
    numbers = pd.DataFrame(rows)
    grid = table[table["kind"] == "joint"]
    images = ", ".join(dict.fromkeys(grid["dataset"] + "/" + grid["image"]))
    scales, shifts = (", ".join(f"{v:g}" for v in sorted(set(grid[c]))) for c in ("scale", "shift"))
    sigmas = ", ".join(f"{v:g}" for v in sorted(set(grid["sigma"])))
    decided = ", ".join(f"{d} {sci(tolerance(d))}" for d in EPS if tolerance(d) <= COARSEST)
    return Table(
        name="certificate",
        numbers=numbers,
        shown=pd.DataFrame([_shown(row) for row in rows]),
        title="Which denoisers are equivariant? f(λy + μ, λσ) against λf(y, σ) + μ",
        notes=(
            f"Largest relative defect over λ ∈ {{{scales}}}, μ ∈ {{{shifts}}}, σ = {sigmas}; {images}"
            f"{part_note(grid)}{_seeds(numbers)}.",
            f"✓: at most √ε of the arithmetic ({decided}); coarser arithmetic, and denoisers that answer"
            " twice differently, get no sign. joint: scale and shift alone count too.",
            "published: mean relative defect over λ ∼ U(0.5, 1.5), μ ∼ U(−0.25, 0.25), 8 draws (Saied &"
            f" Fleuret 2026, appendix E){_over(table[table['kind'] == 'published'])}.",
            "authors' check: ✓ where the largest difference at λ = 40, at μ = 10 and at both is below"
            " 0.001, in units of the changed image.",
        ),
    )


def _seeds(numbers: pd.DataFrame) -> str:
    """``, worst of 3 training seeds`` where some denoiser has several."""
    several = numbers.loc[numbers["seeds"] > 1, "seeds"]
    return f"; worst of {counted(several, 'training seed')}" if len(several) else ""


def _over(published: pd.DataFrame) -> str:
    """Over which images and noise levels the published metric is a mean."""
    if published.empty:
        return ""
    parts = []
    for dataset, rows in published.groupby("dataset", sort=False):
        names = list(dict.fromkeys(rows["image"]))
        what = f"{dataset}/{names[0]}" if len(names) == 1 else f"{dataset_name(dataset)}, {len(names)} images"
        parts.append(what)
    levels = sorted(set(published["sigma"]))
    shown = (
        f"{levels[0]:g}" if len(levels) == 1 else f"{levels[0]:g} to {levels[-1]:g} ({len(levels)} levels)"
    )
    return f", {' and '.join(parts)}, σ = {shown}"


def sci(value: float) -> str:
    """``1.2e−7``, ``0.15``; no value (nothing of that kind was measured) is a dash, infinite ``refused``."""
    if math.isnan(value):
        return "–"
    if not math.isfinite(value):
        return "refused"
    if value == 0 or 0.001 <= value < 100:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


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


def _shown(row: dict[str, object]) -> dict[str, str]:
    name = row["network"]
    if row["variant"] != "other":
        name = f"{name}, {variant_name(row['variant'], name)}"
    trained = str(row["train_sigma"]).replace("-", "–") or "–"
    cells = {"denoiser": name, "train σ": trained, "arithmetic": f"{row['dtype']}, {row['device']}"}
    cells |= {kind: f"{SIGNS[row[kind]]} {sci(row[f'{kind}_defect'])}".strip() for kind in KINDS}
    cells["published"] = sci(row["published_metric"])
    cells["authors' check (scale, shift, joint)"] = " ".join(
        f"{SIGNS[row[f'authors_{kind}']]} {sci(row[f'authors_{kind}_defect'])}" for kind in KINDS
    )
    return cells


def read_certificate(path: Path) -> pd.DataFrame:
    """Read what ``normeq certify`` wrote.

    Returns:
        The table in showing order; relative and absolute defects infinite where there is an error.

    Raises:
        NormeqError: not such a table.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise NormeqError(f"no such table: {path}") from None
    except (OSError, UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise NormeqError(f"cannot read {path} as a CSV table: {error}") from None
    missing = [column for column in NEEDED if column not in table.columns]
    if missing or table.empty:
        what = f"missing column(s) {', '.join(missing)}" if missing else "has a header but no rows"
        raise NormeqError(f"{path}: {what}; make it with `normeq certify`")
    unknown = sorted(set(table["dtype"]) - set(EPS))
    if unknown:
        raise NormeqError(f"{path}: unknown dtype {unknown[0]!r}; known are {', '.join(EPS)}")
    for column in ("sigma", "scale", "shift", "relative", "absolute"):
        cells = (
            table[column].where(table["error"] == "", "inf")
            if column in ("relative", "absolute")
            else table[column]
        )
        table[column] = pd.to_numeric(cells, errors="coerce")
        if table[column].isna().any():
            line = int(table[column].isna().to_numpy().argmax()) + 2
            raise NormeqError(f"{path}, line {line}: column {column} does not hold a number")
    return showing_order(table)
