"""Claims on defects, on a made-up certificate."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from normeq.suite.claims.spec import Claim
from normeq.suite.claims.verdict import judge
from tests.synthetic_claims import judged_by_value

VARIANTS = ("ordinary", "scale", "norm", "wrapped")


def made_up(path: Path, network: str = "tiny", images: dict[str, int] | None = None) -> Path:
    """Defects that a network of each variant might have; that of norm grows in float16."""
    defects = {"ordinary": (40, 0.9), "scale": (1e-7, 1.2), "norm": (2e-6, 3e-6), "wrapped": (1e-7, 2e-7)}
    rows = [
        {
            "network": network,
            "variant": variant,
            "train_sigma": "25",
            "seed": "0",
            "weights": "1",
            "kind": kind,
            "scale": 2,
            "shift": 0,
            "dtype": dtype,
            "device": "cpu",
            "dataset": "set12",
            "image": "01",
            "error": "",
            "relative": defects[variant][kind == "shift"] * (100 if dtype == "float16" else 1),
            "absolute": 1,
            "sigma": "25",
        }
        for variant in VARIANTS
        for kind in ("repeat", "scale", "shift", "joint")
        for dtype in ("float32", "float16")
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"kind": "defect", "variant": "norm", "change": "joint"}, 3e-6),
        ({"kind": "defect", "variant": "norm", "change": "scale", "dtype": "float16"}, 2e-4),
        ({"kind": "defect", "variant": "ordinary", "change": "shift"}, 0.9),
    ],
)
def test_defects_are_the_largest_and_judged_by_value(tmp_path: Path, entry: dict, value: float) -> None:
    table = judged_by_value(entry, value, {"certificate": made_up(tmp_path / "t.csv")})
    assert "; dB, but for defects: no unit, the largest found." in table.notes[0]


def test_the_seed_that_speaks_against_the_claim_decides(tmp_path: Path) -> None:
    path = made_up(tmp_path / "c.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    pd.concat([table, table.assign(seed="1", relative="0.5")]).to_csv(path, index=False)
    claim = {
        "id": "x",
        "claim": "c",
        "kind": "defect",
        "variant": "ordinary",
        "change": "scale",
        "threshold": 1,
    }
    claims = [Claim.from_dict(claim | {"bound": bound}) for bound in ("at least", "at most")]
    records = judge(claims, {"certificate": path})
    assert [record["value"] for record in records] == [0.5, 40]
    assert all(record["verdict"] == "not reproduced" and record["seeds"] == 2 for record in records)


def test_a_data_set_of_the_published_metric_alone_has_no_verdict(tmp_path: Path) -> None:
    path = made_up(tmp_path / "c.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    published = table[(table["kind"] == "repeat") & (table["dtype"] == "float32")]
    more = [published.assign(kind="published", dataset=name, relative="0.1") for name in ("bsd68", "set12")]
    pd.concat([table, *more]).to_csv(path, index=False)
    claim = {"id": "x", "claim": "c", "kind": "defect", "variant": "norm", "change": "joint"}
    (record,) = judge([Claim.from_dict(claim | {"bound": "at most", "threshold": 1})], {"certificate": path})
    assert (record["dataset"], record["verdict"], record["value"]) == ("set12", "reproduced", 3e-6)
    pd.concat(more).to_csv(path, index=False)
    (record,) = judge([Claim.from_dict(claim | {"bound": "at most", "threshold": 1})], {"certificate": path})
    assert (record["dataset"], record["verdict"]) == ("", "not tested")


def test_a_refused_range_has_no_defect(tmp_path: Path) -> None:
    path = made_up(tmp_path / "c.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[3, ["relative", "error"]] = ["", "ValueError: no"]
    table.to_csv(path, index=False)
    claim = {"id": "x", "claim": "c", "kind": "defect", "variant": "ordinary", "change": "joint"}
    claims = [Claim.from_dict(claim | {"bound": "at least", "threshold": 1, "dtype": table.loc[3, "dtype"]})]
    (record,) = judge(claims, {"certificate": path})
    assert record["verdict"] == "not tested" and "an answer" in record["note"]
