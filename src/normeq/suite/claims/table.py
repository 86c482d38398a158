"""The table of claims: what was claimed, what was measured, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from normeq.suite.claims.registry import claim_kinds
from normeq.suite.formats.numbers import minus, p_value, sci, with_interval
from normeq.suite.formats.table import Table
from normeq.suite.results.names import dataset_name, level_name

LATE = "†"  # marks a claim that was stated after results


def tally(records: Sequence[dict[str, object]]) -> str:
    """``7 of 11 reproduced, 3 not reproduced, 1 not tested``; where some were stated after results,
    ``7 of 11 reproduced (5 of the 8 stated before the results), …``."""
    verdicts = [record["verdict"] for record in records]
    others = [word for word in ("not reproduced", "not tested") if word in verdicts]
    counts = [f"{verdicts.count(word)} {word}" for word in others]
    before = [record["verdict"] for record in records if record["stated"] == "before"]
    part = f"{before.count('reproduced')} of the {len(before)}" if before else "none"
    shown = "" if len(before) == len(verdicts) else f" ({part} stated before the results)"
    return ", ".join([f"{verdicts.count('reproduced')} of {len(verdicts)} reproduced{shown}", *counts])


def make(records: Sequence[dict[str, object]]) -> Table:
    """Build the table from the records of :func:`normeq.suite.claims.verdict.judge`."""
    late = any(record["stated"] == "after" for record in records)
    return Table(
        name="claims",
        numbers=pd.DataFrame(records),
        shown=pd.DataFrame([_shown(record, _several(records)) for record in records]),
        title=f"Claims of the paper: {tally(records)}",
        notes=(
            "Thresholds stand in the config with their reasons, fixed before the results"
            f"{f', those marked {LATE} after the first of them' if late else ''}; {_units(records)}.",
            "Reproduced: the whole 95 % interval is on the claimed side. Not tested: not measured.",
            "p: signed-rank test whether the two differ at all, Holm-corrected over noise levels.",
            "NE: normalization-equivariant (norm). SE: scale-equivariant (scale).",
            *_reasons(records),
        ),
    )


def _units(records: Sequence[dict[str, object]]) -> str:
    """``dB, but for defects and filters: no unit, the largest found``, as far as there are such claims."""
    there = {record["kind"] for record in records}
    others: dict[str, list[str]] = {}
    for name, kind in claim_kinds().items():
        if name in there and kind.unit != "dB":
            others.setdefault(kind.unit or "no unit", []).append(kind.plural)
    words = [f"{' and '.join(names)}: {unit}, the largest found" for unit, names in others.items()]
    return f"dB, but for {'; '.join(words)}" if words else "dB"


def _several(records: Sequence[dict[str, object]]) -> bool:
    return len({(r["network"], r["train_sigma"]) for r in records if r["verdict"] != "not tested"}) > 1


def _shown(record: dict[str, object], several: bool) -> dict[str, str]:
    mark = f" {LATE}" if record["stated"] == "after" else ""
    row = {"claim": f"{record['claim']}{mark}", "data set": dataset_name(str(record["dataset"]))}
    if several:
        row["denoiser"] = f"{record['network']}, trained at {level_name(str(record['train_sigma']))}"
    value, low, high = (_float(record[key]) for key in ("value", "low", "high"))
    if not claim_kinds()[str(record["kind"])].unit:
        found, threshold = sci(value), sci(float(record["threshold"]))
        return row | _cells(record, threshold, found)
    digits = 5 if 0 < abs(_float(record["threshold"])) < 0.1 else 2  # as fine as what is claimed
    threshold = minus(f"{record['threshold']:g}")
    return row | _cells(record, threshold, with_interval(value, low, high, digits))


def _cells(record: dict[str, object], threshold: str, found: str) -> dict[str, str]:
    sign = {"at least": "≥", "at most": "≤", "within": "±"}[str(record["bound"])]
    return {
        "measured": str(record["subject"]),
        "σ": "–" if record["sigma"] is None else f"{record['sigma']:g}",
        "claimed": f"{sign} {threshold}",
        "found [95 %]": found,
        "p": p_value(_float(record["p_holm"])),
        "verdict": str(record["verdict"]),
    }


def _reasons(records: Sequence[dict[str, object]]) -> list[str]:
    return [
        f"{record['id']}, {dataset_name(str(record['dataset']))}: {record['verdict']}; {record['note']}."
        for record in records
        if record["note"] and record["verdict"] != "reproduced"
    ]


def _float(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]
