"""The table of ✓ and ✗: which denoisers are equivariant, from the long table of ``normeq certify``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.equivariance.changes import COARSEST, KINDS
from normeq.suite.analysis.certificate import (
    EPS,
    certificate_summary,
    read_certificate,
    tolerance,
)
from normeq.suite.formats.numbers import sci
from normeq.suite.formats.table import Table
from normeq.suite.results.names import counted, dataset_name, denoiser_name, level_name, part_note
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="Which denoisers are equivariant: ✓ and ✗ with the largest defects.",
    order=90,
    reads="certificate.csv",
)

SIGNS = {"yes": "✓", "no": "✗", "": ""}


def make(path: Path) -> Table:
    """Build the table: one row per denoiser, device and arithmetic; worst over training seeds, images and
    changes.

    Raises:
        NormeqError: not a long table of ``normeq certify``.
    """
    table = read_certificate(path)
    numbers = certificate_summary(table)
    grid = table[table["kind"] == "joint"]
    images = ", ".join(dict.fromkeys(grid["dataset"] + "/" + grid["image"]))
    scales, shifts = (", ".join(f"{v:g}" for v in sorted(set(grid[c]))) for c in ("scale", "shift"))
    sigmas = ", ".join(f"{v:g}" for v in sorted(set(grid["sigma"])))
    decided = ", ".join(f"{d} {sci(tolerance(d))}" for d in EPS if tolerance(d) <= COARSEST)
    return Table(
        name="certificate",
        numbers=numbers,
        shown=pd.DataFrame([_shown(row) for row in numbers.to_dict("records")]),
        title="Which denoisers are equivariant? f(λy + μ, λσ) against λf(y, σ) + μ",
        notes=(
            f"Largest relative defect over λ ∈ {{{scales}}}, μ ∈ {{{shifts}}}, σ = {sigmas}; {images}"
            f"{part_note(grid)}{_seeds(numbers)}.",
            f"✓: at most √ε of the arithmetic ({decided}); coarser arithmetic, and denoisers that answer"
            " twice differently, get no sign. joint: scale and shift alone count too.",
            "published: mean relative defect over λ ∼ U(0.5, 1.5), μ ∼ U(−0.25, 0.25), 8 draws (Saied &"
            f" Fleuret 2026, appendix E){_averaged_over(table[table['kind'] == 'published'])}.",
            "authors' check: ✓ where the largest difference at λ = 40, at μ = 10 and at both is below"
            " 0.001, in units of the changed image.",
        ),
    )


def _seeds(numbers: pd.DataFrame) -> str:
    """``, worst of 3 training seeds`` where some denoiser has several."""
    several = numbers.loc[numbers["seeds"] > 1, "seeds"]
    return f"; worst of {counted(several, 'training seed')}" if len(several) else ""


def _averaged_over(published: pd.DataFrame) -> str:
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


def _shown(row: dict[str, object]) -> dict[str, str]:
    cells = {
        "denoiser": denoiser_name(str(row["network"]), str(row["variant"])),
        "train σ": level_name(str(row["train_sigma"])),
        "arithmetic": f"{row['dtype']}, {row['device']}",
    }
    cells |= {kind: f"{SIGNS[row[kind]]} {sci(row[f'{kind}_defect'])}".strip() for kind in KINDS}
    cells["published"] = sci(row["published_metric"])
    cells["authors' check (scale, shift, joint)"] = " ".join(
        f"{SIGNS[row[f'authors_{kind}']]} {sci(row[f'authors_{kind}_defect'])}" for kind in KINDS
    )
    return cells
