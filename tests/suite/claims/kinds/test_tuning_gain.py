"""Claims on what a tuning gains, on a made-up table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from normeq.errors import NormeqError
from normeq.suite.claims.spec import Claim
from normeq.suite.claims.verdict import judge


def made_up(path: Path, network: str = "tiny", images: dict[str, int] | None = None) -> Path:
    """Scale tuning gains 5, 6 and 7 dB on three images."""
    rows = [
        {
            "network": network,
            "variant": "ordinary",
            "train_sigma": "25",
            "seed": "0",
            "dataset": dataset,
            "image": str(image),
            "sigma": 75,
            "draw": 0,
            "tuning": tuning,
            "scale": scale,
            "shift": 0,
            "psnr": 12 + image + (0 if tuning == "none" else 5 + image),
        }
        for dataset, count in (images or {"set12": 3}).items()
        for image in range(count)
        for tuning, scale in (("none", 1), ("known", 3))
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_the_gain_of_tuning(tmp_path: Path) -> None:
    claim = {"id": "x", "claim": "c", "kind": "tuning_gain", "variant": "ordinary", "tuning": "known"}
    claim |= {"sigma": 75, "bound": "at least", "threshold": 3, "datasets": ["set12"]}
    tables = {"tuning": made_up(tmp_path / "t.csv")}
    (record,) = judge([Claim.from_dict(claim)], tables)
    interval = stats.ttest_1samp([5, 6, 7], 0).confidence_interval(0.95)
    assert record["value"] == 6 and (record["low"], record["high"]) == pytest.approx(tuple(interval))
    assert record["verdict"] == "reproduced" and record["images"] == 3
    (record,) = judge([Claim.from_dict(claim | {"tuning": "scale"})], tables)
    assert record["verdict"] == "not tested"
    table = pd.read_csv(tables["tuning"])
    table.loc[table["tuning"] == "none", "draw"] = 1  # on other noise
    table.to_csv(tables["tuning"], index=False)
    (record,) = judge([Claim.from_dict(claim)], tables)
    assert record["note"] == "missing: ordinary as it is at σ = 75, with a common seed and draw"
    with pytest.raises(NormeqError, match="tuning: 'best' is not one of known, scale, shift"):
        Claim.from_dict(claim | {"tuning": "best"})
