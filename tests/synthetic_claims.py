"""A made-up table of known content, on which claims are judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from normeq.suite.claims.spec import Claim
from normeq.suite.claims.table import make
from normeq.suite.claims.verdict import counts_and_values, judge
from normeq.suite.formats.numbers import sci
from tests import synthetic

GAIN = {
    "id": "gain", "claim": "norm is better", "kind": "gain", "datasets": ["set12"], "of": "norm",
    "over": "ordinary", "train_sigma": 25, "sigma": 50, "bound": "at least", "threshold": 3,
}  # fmt: skip
LOSS = {
    "id": "loss", "claim": "the interval matters", "kind": "interval_loss", "datasets": ["set12"],
    "variant": "scale", "bound": "at least", "threshold": 1,
}  # fmt: skip
LEVEL = {
    "id": "level", "claim": "as published", "kind": "level", "datasets": ["set12"], "variant": "norm",
    "sigma": 25, "bound": "within", "threshold": 0.1, "published": {"paper": "P", "method": "M"},
}  # fmt: skip


def long_table(psnr: dict[tuple[str, float], list[float]], draws: int = 1, seeds: int = 1) -> pd.DataFrame:
    """One row per variant, sigma, image, draw and seed; draws lie 0.1 around the value, seeds 0.01."""
    rows = [
        ("net", variant, 25, seed, "set12", f"{i:02d}", sigma, draw, 20.0,
         value + 0.1 * (draw - (draws - 1) / 2) + 0.01 * (seed - (seeds - 1) / 2), 0.9)
        for (variant, sigma), values in psnr.items()
        for i, value in enumerate(values) for draw in range(draws) for seed in range(seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=synthetic.NOISE_LEVELS)


def judged_by_value(entry: dict[str, Any], value: float, tables: dict[str, Path]) -> Any:
    """A claim without interval: at most a little more than the value is reproduced, at least that is not, and
    without its table it is not tested. Returns the table of both verdicts."""
    whole = entry | {"id": "x", "claim": "so it is", "threshold": value * 1.01}
    claims = [Claim.from_dict(whole | {"bound": bound}) for bound in ("at most", "at least")]
    records = judge(claims, tables)
    assert [r["value"] for r in records] == pytest.approx([value] * 2)
    assert [r["verdict"] for r in records] == ["reproduced", "not reproduced"]
    assert all(r["dataset"] == "set12" and r["network"] == "tiny" and r["low"] is None for r in records)
    table = make(records)
    assert sci(value) in str(table.shown["found [95 %]"].iloc[0])
    numbers = counts_and_values(records)
    assert numbers["value"]["set12"]["tiny"]["sigma25"]["x"] == pytest.approx(value, rel=1e-3)
    assert numbers["value_db"] == {}
    (record,) = judge(claims[:1], {})
    assert record["verdict"] == "not tested"
    return table
