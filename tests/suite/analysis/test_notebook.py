"""Values of the authors' notebook beside our tables: only for the same image, crop, pixel and training."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from normeq.suite.analysis import notebook
from normeq.suite.formats.table import markdown
from normeq.suite.results.pictures import FILTERS, read_parts
from normeq.suite.tables import filters
from tests.synthetic_parts import write_part

PUBLISHED = Path(__file__).parents[3] / "data/published"
PIXELS = ((20, 80), (80, 20))


@pytest.fixture
def part(tmp_path: Path):
    return lambda variant="norm", **meta: write_part(tmp_path, variant, side=96, pixels=PIXELS, **meta)


def test_the_same_crop_has_the_published_sums(part) -> None:
    with (PUBLISHED / "published_psnr.csv").open(newline="") as stream:
        printed = [row for row in csv.DictReader(stream) if row["metric"] == "adaptive_filter_sum"]
    found = notebook.filters(PUBLISHED, read_parts([part()], FILTERS))
    assert len(found) == len(printed) == 8
    assert sorted(found["sum"]) == sorted(float(row["value"]) for row in printed)
    cell = found.set_index(["variant", "sigma", "row", "col"]).loc[("scale", 25, 20, 80)]
    assert cell["sum"] == 1.04 and cell["psnr"] == 31.95  # as stored in the notebook
    shown = markdown(filters.make([part("scale"), part()], PUBLISHED))
    assert "| published: scale-equivariant | 25 | 31.95 | 1.04 | 1.00 | – |" in shown
    assert "Herbreteau et al. 2023, notebook" in shown


@pytest.mark.parametrize(
    "meta",
    [
        {"image": "03"},
        {"crop": [50, 51, 96]},
        {"train_sigma": 50.0},
        {"train_sigma": "1-50"},
        {"dataset": "bsd68"},
    ],
)
def test_nothing_else_has_them(part, meta) -> None:
    made = filters.make([part(**meta)], PUBLISHED)
    assert "published" not in markdown(made).lower()


def test_other_pixels_of_the_crop_have_its_psnr_alone(tmp_path: Path) -> None:
    other = write_part(tmp_path, "norm", side=96, pixels=((1, 2), (80, 20)))
    row = next(
        line for line in markdown(filters.make([other], PUBLISHED)).splitlines() if "published: norm" in line
    )
    assert row.count("31.91") == 1 and row.endswith("| – | 1.00 | – |")


def test_tuning_names_image_training_and_noise_level() -> None:
    lines = notebook.tuning(PUBLISHED)
    assert len(lines) == 2
    assert (
        "Set12/05, trained at 25, σ = 75: ordinary 12.38, ordinary + scale tuning 3f(y/3) 24.56" in lines[0]
    )


def test_rows_that_nobody_verified_do_not_appear(tmp_path: Path, part) -> None:
    table = pd.read_csv(PUBLISHED / "published_psnr.csv", dtype=str, keep_default_na=False)
    table.loc[table["metric"] == "adaptive_filter_sum", "verified"] = "no"
    table.to_csv(tmp_path / "published_psnr.csv", index=False)
    assert notebook.filters(tmp_path, read_parts([part()], FILTERS)).empty
