"""The few numbers of an experiment that ``dvc metrics diff`` compares between revisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from normeq.suite.analysis.noise_levels import mean_psnr
from normeq.suite.results.leaks import with_leak_free
from normeq.suite.results.long_tables import (
    CONDITION,
    MEASUREMENT,
    SERIES,
    read_intervals,
    read_noise_levels,
)
from normeq.suite.statistics.means import paired, per_image


def _label(row: Any) -> str:
    """The name of a denoiser, as in the folders of networks."""
    trained = f"-sigma{row.train_sigma}" if row.train_sigma else ""
    return f"{row.network}-{row.variant}{trained}"


def summarise_experiment(noise_levels: str | Path, intervals: str | Path | None) -> dict[str, Any]:
    """Mean PSNR (dB) per data set, denoiser and σ, and what the worst interval [a,b] costs against [0,1]
    (dB), at the noise level where that is most.

    Args:
        noise_levels, intervals: long tables of an experiment.

    Returns:
        ``{"psnr_db": {data set: {denoiser: {"sigma25": …}}}, "worst_interval_loss_db": {data set: {denoiser:
        …}}}``; four decimals, enough for the reader and less than the spread between noise draws.

    Raises:
        NormeqError: a table is missing or malformed.
    """
    table = with_leak_free(read_noise_levels(Path(noise_levels)))
    out: dict[str, Any] = {"psnr_db": {}}
    for row in mean_psnr(table).itertuples():
        levels = out["psnr_db"].setdefault(row.dataset, {}).setdefault(_label(row), {})
        levels[f"sigma{row.sigma:g}"] = round(row.psnr, 4)
    if intervals is None:
        return out
    table = with_leak_free(read_intervals(Path(intervals)))
    unit = table[(table["a"] == 0) & (table["b"] == 1)]
    keys = [*CONDITION, "a", "b"]
    changes = per_image(paired(table, unit, "psnr", [*CONDITION, *MEASUREMENT]), "psnr", keys)
    means = changes.groupby(keys, as_index=False, sort=False)["psnr"].mean()
    losses = out["worst_interval_loss_db"] = {}
    for _, group in means.groupby(SERIES, sort=False):
        row = group.iloc[0]
        loss = round(-group["psnr"].min(), 4) + 0.0  # no minus zero
        losses.setdefault(row.dataset, {})[_label(row)] = loss
    return out
