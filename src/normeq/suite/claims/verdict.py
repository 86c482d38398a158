"""From claims and long tables to verdicts. The rule is in docs/claims.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from normeq.suite.claims.measured import NAN, Measured, Missing
from normeq.suite.claims.registry import ClaimKind, claim_kinds
from normeq.suite.claims.spec import Claim
from normeq.suite.results.published import read_published

REPRODUCED, NOT_REPRODUCED, NOT_TESTED = VERDICTS = ("reproduced", "not reproduced", "not tested")
NOTHING = pd.DataFrame(columns=["network", "variant", "train_sigma", "dataset"])


def judge(
    claims: Sequence[Claim], tables: Mapping[str, Path | pd.DataFrame], published: Path | None = None
) -> list[dict[str, object]]:
    """Verdicts on all claims: one record per claim, data set, network and training noise level.

    Args:
        tables: measurement -> the file that its kinds of claim read, or what their ``read`` gives; claims on
            what is not there are not tested.
        published: folder of published values.

    Returns:
        Records in the order of the claims, with the fields of ``claims.json``.

    Raises:
        NormeqError: a table is missing or malformed.
    """
    read: dict[Callable[..., pd.DataFrame], pd.DataFrame] = {}

    def table_of(kind: ClaimKind) -> pd.DataFrame:
        given = tables.get(kind.measurement, NOTHING)
        if isinstance(given, pd.DataFrame):
            return given
        if kind.read not in read:  # several kinds may be about one table
            read[kind.read] = kind.read(given)
        return read[kind.read]

    values = read_published(published, "published_psnr.csv") if published is not None else pd.DataFrame()
    records = []
    for claim in claims:
        kind = claim_kinds()[claim.kind]
        table = table_of(kind)
        for dataset in claim.on_datasets or sorted(table["dataset"].unique()) or [""]:
            for network, trained in _denoisers(claim, table):
                rows = table[(table["dataset"] == dataset) & table["variant"].isin(claim.variants)]
                rows = rows[(rows["network"] == network) & (rows["train_sigma"] == trained)]
                try:
                    measured = _measure(kind, claim, rows, values)
                    verdict, note = decide(claim, measured)
                except Missing as missing:
                    measured, verdict, note = None, NOT_TESTED, f"missing: {missing}"
                records.append(_record(claim, dataset, network, trained, measured, verdict, note))
    return records


def _measure(kind: ClaimKind, claim: Claim, rows: pd.DataFrame, published: pd.DataFrame) -> Measured:
    absent = [variant for variant in claim.variants if variant not in set(rows["variant"])]
    if absent:
        raise Missing(f"measurements of {' and '.join(absent)}")
    return kind.measure(claim, rows, published)


def decide(claim: Claim, measured: Measured) -> tuple[str, str]:
    """Verdict and note: ``reproduced`` only if the whole interval is on the claimed side of the threshold."""
    low, high, note = measured.low, measured.high, measured.note
    if np.isnan(low):
        if claim_kinds()[claim.kind].needs_interval:
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
        ``{"claims": {verdict: how many}, "value_db": {data set: {network: {training level: {id: value}}}}}``,
        four decimals; and alike what is in other units, ``value_gray_levels``, or in none, ``value``, four
        digits.
    """
    values: dict[str, dict] = {"value_db": {}}
    for record in records:
        if record["value"] is not None:
            unit = claim_kinds()[str(record["kind"])].unit
            entry = values.setdefault("_".join(["value", *unit.lower().split()]), {})
            for key in (str(record["dataset"]), str(record["network"]), f"sigma{record['train_sigma']}"):
                entry = entry.setdefault(key, {})
            value = float(record["value"])
            entry[record["id"]] = (
                round(value, 4) + 0.0 if unit == "dB" else float(f"{value:.3e}")
            )  # no minus zero
    verdicts = [record["verdict"] for record in records]
    return {"claims": {verdict: verdicts.count(verdict) for verdict in VERDICTS}} | values


def _denoisers(claim: Claim, table: pd.DataFrame) -> list[tuple[str, str]]:
    """Network and training level of every verdict; one asked for but not there is kept."""
    known = table[(table["variant"] != "other") & (table["train_sigma"] != "")]
    pairs = known[["network", "train_sigma"]].drop_duplicates()
    if claim.network is not None:
        pairs = pairs[pairs["network"] == claim.network]
    if claim.trained_at is not None:
        pairs = pairs[pairs["train_sigma"] == claim.trained_at]
    found = list(pairs.itertuples(index=False, name=None))
    return found or [(claim.network or "", claim.trained_at or "")]


def _record(
    claim: Claim, dataset: str, network: str, trained: str, measured: Measured | None, verdict: str, note: str
) -> dict[str, object]:
    found = vars(measured) if measured else {}

    def number(key: str) -> float | None:  # JSON has no NaN
        value = found.get(key, NAN)
        return None if np.isnan(value) else float(value)

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
        "sigma": number("sigma") if measured else claim.at_sigma,
        "subject": found.get("subject", claim.subject),
        "p_holm": number("p_holm"),
        **{key: found.get(key, 0) for key in ("images", "draws", "seeds")},
        "published": number("published"),
        "note": note,
    }
