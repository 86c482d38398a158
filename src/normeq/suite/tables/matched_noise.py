"""The matched-noise table: PSNR and SSIM at the noise level of training, beside published values."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.nn.variants import names_in
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import IDENTITY, read_noise_levels, train_range
from normeq.suite.results.names import (
    PUBLISHED_ARCHITECTURES,
    dataset_name,
    measured_on,
    protocol_note,
    variant_name,
)
from normeq.suite.results.published import AUTHORS, UNTRAINED, at_sigma, read_published
from normeq.suite.statistics.means import per_image, summarise
from normeq.suite.tables.formats import Table, with_interval

KEYS = [*IDENTITY, "dataset", "sigma"]
# What is shown of the published tables: two backbones of Saied & Fleuret, and two well-known references.
SHOWN_ARCHITECTURES = ("FDnCNN-20", "DnCNN-20-BN")
SHOWN_METHODS = (("Zhang2022-DPIR", "DnCNN"), ("Zhang2022-DPIR", "BM3D"))
# Beside networks that are trained on a range of noise levels: networks that are told the level.
SHOWN_RANGES = (("Zhang2022-DPIR", "DRUNet"), ("Zhang2022-DPIR", "FFDNet"), ("Zhang2017-DnCNN", "FDnCNN"))
# Levels at which those are usually compared; the others are in the CSV.
USUAL = (15.0, 25.0, 50.0)


def matched(table: pd.DataFrame) -> pd.DataFrame:
    """Rows whose test sigma lies in the range of training; untrained denoisers at the same test levels.

    Raises:
        NormeqError: no denoiser was tested at its level of training.
    """
    ranges = table["train_sigma"].map(train_range)
    inside = pd.Series(
        [
            bounds is not None and bounds[0] <= s <= bounds[1]
            for bounds, s in zip(ranges, table["sigma"], strict=True)
        ]
    )
    untrained = ranges.isna()
    if untrained.all():
        return table
    if not inside.any():
        tested = ", ".join(f"{sigma:g}" for sigma in sorted(table["sigma"].unique()))
        trained = ", ".join(sorted(set(table["train_sigma"]) - {""}))
        raise NormeqError(
            f"no matched noise: trained at sigma {trained}, tested at {tested}; add the training level"
        )
    return table[inside | (untrained & table["sigma"].isin(table.loc[inside, "sigma"]))]


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """One row per denoiser, data set and test sigma.

    Returns:
        network, variant, train_sigma, dataset, sigma, psnr, psnr_low, psnr_high (dB), ssim, ssim_low,
        ssim_high, images, seeds, draws.
    """
    rows = matched(table)
    psnr = summarise(per_image(rows, "psnr", KEYS), "psnr", KEYS)
    ssim = summarise(per_image(rows, "ssim", KEYS), "ssim", KEYS)[["mean", "low", "high"]]
    psnr = psnr.rename(columns={"mean": "psnr", "low": "psnr_low", "high": "psnr_high"})
    return psnr.assign(ssim=ssim["mean"], ssim_low=ssim["low"], ssim_high=ssim["high"])


def published_rows(folder: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """Published PSNR for each (dataset, sigma) of ``cells``: paper, method, source, psnr, ..."""
    psnr = read_published(folder, "published_psnr.csv")
    wanted = psnr["architecture"].isin(SHOWN_ARCHITECTURES)
    wanted &= psnr["source"].str.contains(" Table ", regex=False)  # the logs beside them repeat the same runs
    wanted |= _methods(psnr, SHOWN_METHODS)
    ranged, fixed = _ranged(cells), ~_ranged(cells) & (cells["train_sigma"] != "")
    if not (ranged | fixed).any():  # users' denoisers alone
        fixed = ~fixed
    cases = [(psnr[wanted], cells[fixed], False), (psnr[_methods(psnr, SHOWN_RANGES)], cells[ranged], True)]
    parts = [
        at_sigma(values, sigma, dataset, ranges).assign(
            dataset=dataset, sigma=sigma, psnr=lambda rows: rows["value"]
        )
        for values, ours, ranges in cases
        for dataset, sigma in ours[["dataset", "sigma"]].drop_duplicates().itertuples(index=False)
    ]
    return pd.concat(parts, ignore_index=True).drop(columns=["value", "metric", "test_sigma", "verified"])


def _methods(psnr: pd.DataFrame, methods: tuple[tuple[str, str], ...]) -> pd.Series:
    return pd.Series(
        [pair in methods for pair in zip(psnr["paper"], psnr["method"], strict=True)], index=psnr.index
    )


def usual(table: pd.DataFrame) -> pd.DataFrame:
    """Without the rows of networks trained on a range at levels other than :data:`USUAL`, where they were
    tested at one of these; untrained denoisers stay where a network does."""
    ranged = _ranged(table)
    if not table.loc[ranged, "sigma"].isin(USUAL).any():
        return table
    levels = set(table.loc[~ranged & ~table["train_sigma"].isin({"", UNTRAINED}), "sigma"]) | set(USUAL)
    return table[table["sigma"].isin(levels) & (~ranged | table["sigma"].isin(USUAL))]


def _ranged(table: pd.DataFrame) -> pd.Series:
    return table["train_sigma"].str.contains("-", regex=False)


def make(path: Path, published: Path | None = None) -> Table:
    """Build the table from ``noise_levels.csv`` and, if given, the folder of published values."""
    table = with_leak_free(read_noise_levels(path))
    ours = measured(table)
    theirs = published_rows(published, ours) if published is not None else pd.DataFrame()
    numbers = pd.concat(
        [ours.assign(origin="measured"), theirs.assign(origin="published")], ignore_index=True
    )
    numbers = numbers[["origin", *[column for column in numbers.columns if column != "origin"]]]
    rows = []
    for (_, network, variant, label), group in _groups(usual(ours), ["sigma", *IDENTITY]):
        name = network if variant == "other" else f"{network}, {variant_name(variant, network)}"
        rows.append(_shown(group, ours, name, label, "this repository"))
    keys = ["sigma", "paper", "method", "variant", "architecture", "train_sigma", "source"]
    for (_, paper, method, variant, architecture, label, source), group in _groups(
        usual(theirs) if len(theirs) else theirs, keys
    ):
        name = f"published: {architecture or method}, {_variant(paper, variant)}{_same(ours, architecture)}"
        rows.append(_shown(group, ours, name, label, f"{AUTHORS.get(paper, paper)}, {_place(source)}"))
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
        "train σ": train.replace("-", "–").replace("n/a", "–") or "–",
        "test σ": f"{group['sigma'].iloc[0]:g}",
    }
    cells = group.set_index("dataset")
    for dataset in ours["dataset"].unique():
        cell = cells.loc[dataset] if dataset in cells.index else pd.Series(dtype=float)
        mean, low, high, ssim = (
            cell.get(key, float("nan")) for key in ("psnr", "psnr_low", "psnr_high", "ssim")
        )
        row[f"{dataset_name(dataset)} PSNR"] = with_interval(mean, low, high)
        row[f"{dataset_name(dataset)} SSIM"] = with_interval(ssim, float("nan"), float("nan"), 4)
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


def _place(source: str) -> str:
    """``https://arxiv.org/abs/2605.08193 Table 7`` names a table; a bare address is shown as it is."""
    address, _, place = source.partition(" Table ")
    return f"Table {place} ({address})" if place else source


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
