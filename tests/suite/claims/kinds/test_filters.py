"""Claims on adaptive filters, on a made-up table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.synthetic_claims import judged_by_value

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
    judged_by_value(entry, value, {"filters": made_up(tmp_path / "t.csv")})
