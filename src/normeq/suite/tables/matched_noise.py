"""The matched-noise table: PSNR and SSIM at the noise level of training, beside published values."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.nn.variants import names_in
from normeq.suite.analysis.matched_noise import matched_summary, published_rows, usual
from normeq.suite.formats.numbers import fixed, with_interval
from normeq.suite.formats.table import Table
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import IDENTITY, read_noise_levels
from normeq.suite.results.names import (
    PUBLISHED_ARCHITECTURES,
    dataset_name,
    denoiser_name,
    level_name,
    measured_on,
    protocol_note,
    variant_name,
)
from normeq.suite.results.published import AUTHORS
from normeq.suite.tables.registry import TableKind

TABLE = TableKind(
    help="PSNR and SSIM at the noise level of training.",
    order=10,
    reads="noise_levels.csv",
    published=True,
)


def make(path: Path, published: Path | None = None) -> Table:
    """Build the table from ``noise_levels.csv`` and, if given, the folder of published values."""
    table = with_leak_free(read_noise_levels(path))
    ours = matched_summary(table)
    theirs = published_rows(published, ours) if published is not None else pd.DataFrame()
    numbers = pd.concat(
        [ours.assign(origin="measured"), theirs.assign(origin="published")], ignore_index=True
    )
    numbers = numbers[["origin", *[column for column in numbers.columns if column != "origin"]]]
    rows = []
    for (_, network, variant, label), group in _groups(usual(ours), ["sigma", *IDENTITY]):
        rows.append(_shown(group, ours, denoiser_name(network, variant), label, "this repository"))
    keys = ["sigma", "paper", "method", "variant", "architecture", "train_sigma", "source"]
    for (_, paper, method, variant, architecture, label, source), group in _groups(
        usual(theirs) if len(theirs) else theirs, keys
    ):
        name = f"published: {architecture or method}, {_variant(paper, variant)}{_same(ours, architecture)}"
        rows.append(_shown(group, ours, name, label, f"{AUTHORS.get(paper, paper)}, {_where(source)}"))
    shown = pd.DataFrame(rows).sort_values("test σ", kind="stable", key=lambda column: column.astype(float))
    return Table(
        name="matched_noise",
        numbers=numbers,
        shown=shown,
        title="Denoising at the noise level of training: mean PSNR in dB [95 % interval], SSIM",
        notes=_notes(ours, theirs, protocol_note(table)),
    )


def _groups(table: pd.DataFrame, keys: list[str]):
    return table.groupby(keys, sort=False) if len(table) else []


def _shown(group: pd.DataFrame, ours: pd.DataFrame, name: str, train: str, source: str) -> dict[str, str]:
    row = {
        "denoiser": name,
        "train σ": level_name(train),
        "test σ": f"{group['sigma'].iloc[0]:g}",
    }
    cells = group.set_index("dataset")
    for dataset in ours["dataset"].unique():
        cell = cells.loc[dataset] if dataset in cells.index else pd.Series(dtype=float)
        mean, low, high, ssim = (
            cell.get(key, float("nan")) for key in ("psnr", "psnr_low", "psnr_high", "ssim")
        )
        row[f"{dataset_name(dataset)} PSNR"] = with_interval(mean, low, high)
        row[f"{dataset_name(dataset)} SSIM"] = fixed(ssim, 4)
    return row | {"source": source}


def _same(ours: pd.DataFrame, architecture: str) -> str:
    same = [
        n for n in ours["network"].unique() if architecture and PUBLISHED_ARCHITECTURES.get(n) == architecture
    ]
    return f" (same architecture as {', '.join(same)})" if same else ""


def _variant(paper: str, theirs: str) -> str:
    """Our name of a published variant, with theirs where it differs."""
    ours = {name: variant for variant, name in names_in(paper).items()} if paper == "Saied2026" else {}
    if theirs not in ours:
        return theirs
    name = variant_name(ours[theirs], "")
    return name if theirs.endswith("-equiv") else f"{name} ({theirs})"


def _where(source: str) -> str:
    """``https://arxiv.org/abs/2605.08193 Table 7`` names a table; a bare address is shown as it is."""
    address, _, number = source.partition(" Table ")
    return f"Table {number} ({address})" if number else source


def _notes(ours: pd.DataFrame, theirs: pd.DataFrame, protocol: str) -> tuple[str, ...]:
    notes = [
        f"Ours: {measured_on(ours)}.",
        "Interval: 95 % over images (draws, seeds averaged within), not over retrainings.",
        f"σ in 8-bit units. {protocol}",
    ]
    notes += leak_note(ours)
    if len(theirs):
        known = set(PUBLISHED_ARCHITECTURES) & set(ours["network"])
        notes.append(
            "Published rows: as printed by their authors, trained on their data; without SSIM or interval."
            + ("" if known else " None of them is the same network as ours.")
        )
    return tuple(notes)
