"""The generalisation table: mean PSNR at every test noise level, one row per denoiser and data set."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import IDENTITY, read_noise_levels
from normeq.suite.results.names import dataset_name, measured_on, protocol_note, variant_name
from normeq.suite.statistics.means import per_image, summarise
from normeq.suite.tables.formats import Table, with_interval

KEYS = [*IDENTITY, "dataset", "sigma"]


def make(path: Path) -> Table:
    """Build the table from ``noise_levels.csv``; the CSV also carries the intervals."""
    table = with_leak_free(read_noise_levels(path))
    summary = summarise(per_image(table, "psnr", KEYS), "psnr", KEYS)
    sigmas = sorted(summary["sigma"].unique())
    rows = []
    for (dataset, network, variant, label), group in summary.groupby(
        ["dataset", "network", "variant", "train_sigma"], sort=False
    ):
        means = group.set_index("sigma")["mean"]
        row = {
            "data set": dataset_name(dataset),
            "denoiser": network if variant == "other" else f"{network}, {variant_name(variant, network)}",
            "train σ": label.replace("-", "–") or "–",
        }
        rows.append(row | {f"σ = {sigma:g}": _cell(means, sigma) for sigma in sigmas})
    shown = pd.DataFrame(rows)
    order = {dataset_name(name): i for i, name in enumerate(summary["dataset"].drop_duplicates())}
    shown = shown.sort_values("data set", key=lambda column: column.map(order), kind="stable")
    return Table(
        name="generalisation",
        numbers=summary.rename(columns={"mean": "psnr", "low": "psnr_low", "high": "psnr_high"}),
        shown=shown,
        title="Denoising at noise levels other than that of training: mean PSNR in dB",
        notes=(
            f"{measured_on(summary)}.",
            "σ in 8-bit units; 95 % intervals over images are in the CSV.",
            protocol_note(table),
            *leak_note(summary),
        ),
    )


def _cell(means: pd.Series, sigma: float) -> str:
    value = means.get(sigma, float("nan"))
    return with_interval(value, float("nan"), float("nan"))
