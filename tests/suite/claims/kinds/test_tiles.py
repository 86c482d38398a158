"""Claims on tiles, on a made-up table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.claims.spec import Claim
from normeq.suite.claims.table import make
from normeq.suite.claims.verdict import counts_and_values, judge

LARGEST = {"ordinary": 3e-4, "scale": 2e-4, "norm": 0.004, "wrapped": 12.5}  # gray levels, with a halo
SAFE = {
    **{"id": "x", "claim": "so it is", "kind": "tiles", "variant": "norm", "datasets": ["set12"]},
    **{"bound": "at most", "threshold": 0.01},
}


def made_up(path: Path, network: str = "tiny", images: dict[str, int] | None = None) -> Path:
    """Of three images the second differs most; without a halo every network does."""
    rows = [
        {
            "network": network,
            "variant": variant,
            "train_sigma": "25",
            "seed": "0",
            "dataset": dataset,
            "image": f"{image:02d}",
            "sigma": 25,
            "tile": 64,
            "halo": halo,
            "margin": 0 if halo == "none" else 32,
            "draw": 0,
            "difference": (50 if halo == "none" else largest) * (1 if image == 1 else 0.5),
            "seam": 0,
            "psnr": 30,
            "psnr_whole": 30,
        }
        for variant, largest in LARGEST.items()
        for dataset, count in (images or {"set12": 3}).items()
        for image in range(count)
        for halo in ("none", "receptive field")
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("variant", LARGEST)
@pytest.mark.parametrize("halo", ["none", "receptive field"])
def test_the_largest_difference_decides(tmp_path: Path, variant: str, halo: str) -> None:
    about = SAFE | {"variant": variant, "halo": halo}
    claims = [Claim.from_dict(about), Claim.from_dict(about | {"bound": "at least", "threshold": 1})]
    safe, not_safe = judge(claims, {"tiles": made_up(tmp_path / "t.csv")})
    value = 50 if halo == "none" else LARGEST[variant]
    assert safe["value"] == not_safe["value"] == pytest.approx(value)
    assert (safe["verdict"] == "reproduced") == (value <= 0.01)
    assert (not_safe["verdict"] == "reproduced") == (value >= 1)
    assert (safe["images"], safe["draws"], safe["seeds"], safe["sigma"]) == (3, 1, 1, 25)
    words = "no halo" if halo == "none" else "halo of the receptive field"
    assert safe["subject"] == f"{variant}, {words}" and safe["low"] is None


def test_the_halo_is_the_receptive_field_unless_said() -> None:
    assert Claim.from_dict(SAFE).halo == "receptive field"
    with pytest.raises(NormeqError, match="halo: 'half' is not one of none, receptive field"):
        Claim.from_dict(SAFE | {"halo": "half"})


def test_of_several_seeds_the_worst_and_what_is_not_there(tmp_path: Path) -> None:
    path = made_up(tmp_path / "t.csv")
    table = pd.read_csv(path, dtype=str)
    pd.concat([table, table.assign(seed="1", difference="2")]).to_csv(path, index=False)
    (record,) = judge([Claim.from_dict(SAFE)], {"tiles": path})
    assert (record["value"], record["seeds"], record["verdict"]) == (2, 2, "not reproduced")
    table[table["halo"] == "none"].to_csv(path, index=False)
    (record,) = judge([Claim.from_dict(SAFE)], {"tiles": path})
    assert record["note"] == "missing: tiles of norm with the halo receptive field"
    (record,) = judge([Claim.from_dict(SAFE)], {})
    assert (record["verdict"], record["subject"]) == ("not tested", "norm")


def test_a_data_set_without_its_leaked_image(tmp_path: Path) -> None:
    path = made_up(tmp_path / "t.csv")
    table = pd.read_csv(path, dtype=str)
    table.assign(image=table["image"].replace("01", "04")).to_csv(path, index=False)
    without = Claim.from_dict(SAFE | {"variant": "wrapped", "datasets": ["set12-without-04"]})
    (record,) = judge([without], {"tiles": path})
    assert (record["value"], record["images"]) == (12.5 / 2, 2)


def test_table_and_metrics_are_in_gray_levels(tmp_path: Path) -> None:
    wrapped = SAFE | {"id": "y", "variant": "wrapped", "bound": "at least", "threshold": 1}
    claims = [Claim.from_dict(SAFE), Claim.from_dict(wrapped)]
    records = judge(claims, {"tiles": made_up(tmp_path / "t.csv")})
    table = make(records)
    assert list(table.shown["found [95 %]"]) == ["0.00400", "12.50"]
    assert list(table.shown["claimed"]) == ["≤ 0.01", "≥ 1"]
    assert table.notes[0].endswith("; dB, but for tiles: gray levels, the largest found.")
    numbers = counts_and_values(records)
    assert numbers["value_gray_levels"]["set12"]["tiny"]["sigma25"] == {"x": 0.004, "y": 12.5}
