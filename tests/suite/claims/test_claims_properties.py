"""Claims on equivariance, filters and tuning, on made-up tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from normeq.errors import NormeqError
from normeq.suite.claims.spec import Claim
from normeq.suite.claims.table import make
from normeq.suite.claims.verdict import counts_and_values, judge
from normeq.suite.formats.numbers import sci
from tests.synthetic_claims import certificate_table, filter_table, long_table, tuning_table


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"kind": "defect", "variant": "norm", "change": "joint"}, 3e-6),
        ({"kind": "defect", "variant": "norm", "change": "scale", "dtype": "float16"}, 2e-4),
        ({"kind": "defect", "variant": "ordinary", "change": "shift"}, 0.9),
        ({"kind": "filters", "variant": "scale", "quantity": "sum"}, 0.25),
        ({"kind": "filters", "variant": "ordinary", "quantity": "unexplained"}, 0.2),
    ],
)
def test_defects_and_filters_are_the_largest_and_judged_by_value(tmp_path: Path, entry, value) -> None:
    files = {
        "certificate": certificate_table(tmp_path / "c.csv"),
        "filters": filter_table(tmp_path / "f.csv"),
    }
    long_table({("norm", 50): [30, 31]}).to_csv(tmp_path / "n.csv", index=False)
    whole = entry | {"id": "x", "claim": "so it is", "threshold": value * 1.01}
    claims = [Claim.from_dict(whole | {"bound": bound}) for bound in ("at most", "at least")]
    records = judge(claims, tmp_path / "n.csv", **files)
    assert [r["value"] for r in records] == pytest.approx([value] * 2)
    assert [r["verdict"] for r in records] == ["reproduced", "not reproduced"]
    assert all(r["dataset"] == "set12" and r["network"] == "tiny" and r["low"] is None for r in records)
    assert sci(value) in str(make(records).shown["found [95 %]"].iloc[0])
    numbers = counts_and_values(records)
    assert numbers["value"]["set12"]["tiny"]["sigma25"]["x"] == pytest.approx(value, rel=1e-3)
    assert numbers["value_db"] == {}
    (record,) = judge(claims[:1], tmp_path / "n.csv")
    assert record["verdict"] == "not tested"


def test_the_seed_that_speaks_against_the_claim_decides(tmp_path: Path) -> None:
    path = certificate_table(tmp_path / "c.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    pd.concat([table, table.assign(seed="1", relative="0.5")]).to_csv(path, index=False)
    long_table({("norm", 50): [30, 31]}).to_csv(tmp_path / "n.csv", index=False)
    claim = {
        "id": "x",
        "claim": "c",
        "kind": "defect",
        "variant": "ordinary",
        "change": "scale",
        "threshold": 1,
    }
    claims = [Claim.from_dict(claim | {"bound": bound}) for bound in ("at least", "at most")]
    records = judge(claims, tmp_path / "n.csv", certificate=path)
    assert [record["value"] for record in records] == [0.5, 40]
    assert all(record["verdict"] == "not reproduced" and record["seeds"] == 2 for record in records)


def test_a_refused_range_has_no_defect(tmp_path: Path) -> None:
    path = certificate_table(tmp_path / "c.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[3, ["relative", "error"]] = ["", "ValueError: no"]
    table.to_csv(path, index=False)
    claim = {"id": "x", "claim": "c", "kind": "defect", "variant": "ordinary", "change": "joint"}
    long_table({("norm", 50): [30, 31]}).to_csv(tmp_path / "n.csv", index=False)
    claims = [Claim.from_dict(claim | {"bound": "at least", "threshold": 1, "dtype": table.loc[3, "dtype"]})]
    (record,) = judge(claims, tmp_path / "n.csv", certificate=path)
    assert record["verdict"] == "not tested" and "an answer" in record["note"]


def test_the_gain_of_tuning(tmp_path: Path) -> None:
    claim = {"id": "x", "claim": "c", "kind": "tuning_gain", "variant": "ordinary", "tuning": "known"}
    claim |= {"sigma": 75, "bound": "at least", "threshold": 3, "datasets": ["set12"]}
    long_table({("norm", 50): [30, 31]}).to_csv(tmp_path / "n.csv", index=False)
    files = {"tuning": tuning_table(tmp_path / "t.csv")}
    (record,) = judge([Claim.from_dict(claim)], tmp_path / "n.csv", **files)
    interval = stats.ttest_1samp([5, 6, 7], 0).confidence_interval(0.95)
    assert record["value"] == 6 and (record["low"], record["high"]) == pytest.approx(tuple(interval))
    assert record["verdict"] == "reproduced" and record["images"] == 3
    (record,) = judge([Claim.from_dict(claim | {"tuning": "scale"})], tmp_path / "n.csv", **files)
    assert record["verdict"] == "not tested"
    with pytest.raises(NormeqError, match="tuning: 'best' is not one of known, scale, shift"):
        Claim.from_dict(claim | {"tuning": "best"})
