"""From claims and long tables to verdicts. The rule is in docs/claims.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from normeq.suite.analysis.certificate import read_certificate
from normeq.suite.analysis.filters import read_filters
from normeq.suite.analysis.tuning import tuning_summary
from normeq.suite.claims.measure import NAN, Measured, Missing, measure
from normeq.suite.claims.spec import UNITLESS, Claim
from normeq.suite.results.leaks import with_leak_free
from normeq.suite.results.long_tables import read_intervals, read_noise_levels, read_tuning
from normeq.suite.results.published import read_published

REPRODUCED, NOT_REPRODUCED, NOT_TESTED = VERDICTS = ("reproduced", "not reproduced", "not tested")


def judge(
    claims: Sequence[Claim],
    noise_levels: Path | pd.DataFrame,
    intervals: Path | None = None,
    published: Path | None = None,
    *,
    tuning: Path | None = None,
    certificate: Path | None = None,
    filters: Path | None = None,
) -> list[dict[str, object]]:
    """Verdicts on all claims: one record per claim, data set, network and training noise level.

    Args:
        noise_levels, intervals, tuning: the long tables; without the latter two no ``interval_loss`` and no
            ``tuning_gain`` is tested. The first one may have been read already.
        published: folder of published values; without it no ``level`` is tested.
        certificate: what ``normeq certify`` wrote; without it no ``defect`` is tested.
        filters: the CSV of ``normeq table filters``; without it no ``filters`` is tested.

    Returns:
        Records in the order of the claims, with the fields of ``claims.json``.

    Raises:
        NormeqError: a table is missing or malformed.
    """
    read = noise_levels if isinstance(noise_levels, pd.DataFrame) else read_noise_levels(noise_levels)
    levels = with_leak_free(read)
    none = levels.iloc[:0]
    tables = {
        "gain": levels,
        "level": levels,
        "interval_loss": none.assign(a=0.0, b=1.0)
        if intervals is None
        else with_leak_free(read_intervals(intervals)),
        "tuning_gain": none if tuning is None else tuning_summary(with_leak_free(read_tuning(tuning))),
        "defect": none if certificate is None else read_certificate(certificate),
        "filters": none if filters is None else read_filters(filters),
    }
    values = read_published(published, "published_psnr.csv") if published is not None else pd.DataFrame()
    records = []
    for claim in claims:
        table = tables[claim.kind]
        for dataset in claim.datasets or sorted(table["dataset"].unique()) or [""]:
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
        if claim.kind not in ("level", *UNITLESS):
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
        four decimals; and ``value``, alike, for what has no unit; four digits.
    """
    values: dict[str, dict] = {"value_db": {}, "value": {}}
    for record in records:
        if record["value"] is not None:
            unitless = record["kind"] in UNITLESS
            entry = values["value" if unitless else "value_db"]
            for key in (str(record["dataset"]), str(record["network"]), f"sigma{record['train_sigma']}"):
                entry = entry.setdefault(key, {})
            value = float(record["value"])
            entry[record["id"]] = (
                float(f"{value:.3e}") if unitless else round(value, 4) + 0.0
            )  # no minus zero
    verdicts = [record["verdict"] for record in records]
    counts = {"claims": {verdict: verdicts.count(verdict) for verdict in VERDICTS}}
    return counts | {key: part for key, part in values.items() if part or key == "value_db"}


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
        "stated": claim.stated,
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
