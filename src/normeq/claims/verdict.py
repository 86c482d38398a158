"""From claims and long tables to verdicts. The rule is in docs/claims.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from normeq.claims.measure import NAN, Measured, Missing, measure
from normeq.claims.spec import Claim
from normeq.published import read_published
from normeq.tables.longtable import read_intervals, read_noise_levels

REPRODUCED, NOT_REPRODUCED, NOT_TESTED = VERDICTS = ("reproduced", "not reproduced", "not tested")


def judge(
    claims: Sequence[Claim], noise_levels: Path, intervals: Path | None = None, published: Path | None = None
) -> list[dict[str, object]]:
    """Verdicts on all claims: one record per claim, data set, network and training noise level.

    Args:
        noise_levels, intervals: the long tables; without the latter no ``interval_loss`` is tested.
        published: folder of published values; without it no ``level`` is tested.

    Returns:
        Records in the order of the claims, with the fields of ``claims.json``.

    Raises:
        NormeqError: a table is missing or malformed.
    """
    levels = read_noise_levels(noise_levels)
    ranges = read_intervals(intervals) if intervals is not None else levels.iloc[:0].assign(a=0.0, b=1.0)
    values = read_published(published, "published_psnr.csv") if published is not None else pd.DataFrame()
    records = []
    for claim in claims:
        table = ranges if claim.kind == "interval_loss" else levels
        for dataset in claim.datasets:
            for network, trained in _denoisers(claim, table):
                rows = table[(table["dataset"] == dataset) & table["variant"].isin(claim.variants)]
                rows = rows[(rows["network"] == network) & (rows["train_sigma"] == trained)]
                try:
                    measured = measure(claim, rows, values)
                    verdict, note = decide(claim, measured)
                except Missing as missing:
                    measured, verdict, note = None, NOT_TESTED, f"missing: {missing}"
                records.append(_record(claim, dataset, network, trained, measured, verdict, note))
    return records


def decide(claim: Claim, measured: Measured) -> tuple[str, str]:
    """Verdict and note: ``reproduced`` only if the whole interval is on the claimed side of the threshold."""
    low, high, note = measured.low, measured.high, measured.note
    if np.isnan(low):
        if claim.kind != "level":
            return NOT_TESTED, "a single image has no interval"
        low = high = measured.value
    bottom = {"at least": claim.threshold, "at most": -np.inf, "within": -claim.threshold}[claim.bound]
    top = {"at least": np.inf, "at most": claim.threshold, "within": claim.threshold}[claim.bound]
    if bottom <= low and high <= top:
        return REPRODUCED, note
    if not np.isnan(measured.low):
        contradicted = high < bottom or low > top
        why = f"the interval {'contradicts the claim' if contradicted else 'straddles the threshold'}"
        note = f"{note}; {why}" if note else why
    return NOT_REPRODUCED, note


def counts_and_values(records: Sequence[dict[str, object]]) -> dict[str, dict]:
    """The same for ``dvc metrics diff``, which reads numbers in nested objects and passes over lists.

    Returns:
        ``{"claims": {verdict: how many}, "value_db": {data set: {network: {training level: {id: value}}}}}``;
        four decimals.
    """
    values: dict[str, dict] = {}
    for record in records:
        if record["value"] is not None:
            place = values.setdefault(str(record["dataset"]), {}).setdefault(str(record["network"]), {})
            place = place.setdefault(f"sigma{record['train_sigma']}", {})
            place[record["id"]] = round(float(record["value"]), 4) + 0.0  # no minus zero
    verdicts = [record["verdict"] for record in records]
    return {"claims": {verdict: verdicts.count(verdict) for verdict in VERDICTS}, "value_db": values}


def _denoisers(claim: Claim, table: pd.DataFrame) -> list[tuple[str, str]]:
    """Network and training level of every verdict; one asked for but not there is kept."""
    known = table[(table["variant"] != "other") & (table["train_sigma"] != "")]
    pairs = known[["network", "train_sigma"]].drop_duplicates()
    if claim.network is not None:
        pairs = pairs[pairs["network"] == claim.network]
    if claim.train_sigma is not None:
        pairs = pairs[pairs["train_sigma"] == claim.train_sigma]
    found = list(pairs.itertuples(index=False, name=None))
    return found or [(claim.network or "", claim.train_sigma or "")]


def _record(
    claim: Claim, dataset: str, network: str, trained: str, measured: Measured | None, verdict: str, note: str
) -> dict[str, object]:
    found = vars(measured) if measured else {}

    def number(key: str) -> float | None:  # JSON has no NaN
        value = found.get(key, NAN)
        return None if np.isnan(value) else float(value)

    subject = {"gain": " − ".join(claim.variants), "level": f"{claim.variants[0]} − published"}
    return {
        "claim": claim.claim,
        "threshold": claim.threshold,
        **{key: number(key) for key in ("value", "low", "high")},
        "verdict": verdict,
        "id": claim.id,
        "kind": claim.kind,
        "bound": claim.bound,
        "dataset": dataset,
        "network": network,
        "train_sigma": trained,
        "sigma": number("sigma") if measured else claim.sigma,
        "subject": found.get("subject") or subject.get(claim.kind, claim.variants[0]),
        "p_holm": number("p_holm"),
        **{key: found.get(key, 0) for key in ("images", "draws", "seeds")},
        "published": number("published"),
        "note": note,
    }
