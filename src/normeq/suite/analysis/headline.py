"""The few numbers of an experiment that ``dvc metrics diff`` compares between revisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from normeq.suite.analysis.noise_levels import mean_psnr
from normeq.suite.results.leaks import with_leak_free
from normeq.suite.results.long_tables import SERIES, read_intervals, read_noise_levels
from normeq.suite.statistics.means import per_image, summarise


def _label(row: Any) -> str:
    """The name of a denoiser, as in the folders of networks."""
    trained = f"-sigma{row.train_sigma}" if row.train_sigma else ""
    return f"{row.network}-{row.variant}{trained}"


def summarise_experiment(noise_levels: str | Path, intervals: str | Path | None) -> dict[str, Any]:
    """Mean PSNR (dB) per data set, denoiser and σ, and what the worst interval [a,b] costs against [0,1]
    (dB).

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
    keys = [*SERIES, "a", "b"]
    means = summarise(per_image(table, "psnr", keys), "psnr", keys)
    losses = out["worst_interval_loss_db"] = {}
    for _, group in means.groupby(SERIES, sort=False):
        reference = group[(group.a == 0) & (group.b == 1)]
        if len(reference):
            row = group.iloc[0]
            loss = reference["mean"].iloc[0] - group["mean"].min()
            losses.setdefault(row.dataset, {})[_label(row)] = round(loss, 4)
    return out
