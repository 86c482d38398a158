"""Claims on adaptive filters, on a made-up table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from normeq.suite.claims.spec import Claim
from normeq.suite.claims.table import make
from normeq.suite.claims.verdict import counts_and_values, judge
from normeq.suite.formats.numbers import sci

VARIANTS = ("ordinary", "scale", "norm", "wrapped")


def made_up(path: Path, network: str = "tiny", images: dict[str, int] | None = None) -> Path:
    """Sums above and below 1 at two noise levels."""
    rows = [
        {
            "network": network,
            "variant": variant,
            "train_sigma": "25",
            "seed": "0",
            "dataset": "set12",
            "image": "02",
            "crop": "0,0,8",
            "sigma": sigma,
            "psnr": 30,
            "defect": 0.2 if variant == "ordinary" else 0,
            "row": row,
            "col": 1,
            "sum": 1.0 if variant == "norm" else total,
        }
        for variant in VARIANTS
        for sigma, row, total in ((5, 1, 0.75), (25, 2, 1.125))
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"kind": "filters", "variant": "scale", "quantity": "sum"}, 0.25),
        ({"kind": "filters", "variant": "ordinary", "quantity": "unexplained"}, 0.2),
    ],
)
def test_filters_are_the_largest_and_judged_by_value(tmp_path: Path, entry: dict, value: float) -> None:
    whole = entry | {"id": "x", "claim": "so it is", "threshold": value * 1.01}
    claims = [Claim.from_dict(whole | {"bound": bound}) for bound in ("at most", "at least")]
    records = judge(claims, {"filters": made_up(tmp_path / "t.csv")})
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
