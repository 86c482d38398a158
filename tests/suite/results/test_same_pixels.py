"""Pictures that only share a name are not put side by side."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.analysis.certificate import read_certificate
from normeq.suite.analysis.tiles import read_tiles
from normeq.suite.compare.changes import compare
from normeq.suite.measuring.rows import collect
from normeq.suite.results import long_tables
from normeq.suite.results.same_pixels import check_pixels
from tests import synthetic

ROOT = Path(__file__).parents[3]
KINDS = ("noise_levels", "intervals", "protocols", "heatmap", "tuning", "certificate", "tiles")
READ = {kind: getattr(long_tables, f"read_{kind}", None) for kind in KINDS}
READ |= {"certificate": read_certificate, "tiles": read_tiles}


def changed(kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table of a few rows, and the same with another picture in place of its first image."""
    if kind == "tiles":
        names = ["network", "variant", "train_sigma", "seed", "dataset", "image", "draw", "halo"]
        columns = [*names, "sigma", "tile", "margin", "difference", "seam", "psnr", "psnr_whole"]
        table = pd.DataFrame(
            [["n", "norm", "25", "0", "set12", "01", "0", "none", *[25] * 7]], columns=columns
        )
        table = table.assign(pixels="0badcafe")
    else:
        table = pd.read_csv(ROOT / f"results/compact/{kind}.csv", dtype=str, keep_default_na=False)
        few = list(dict.fromkeys(zip(table["dataset"], table["image"], strict=True)))[:2]
        table = table[[pair in few for pair in zip(table["dataset"], table["image"], strict=True)]]
    first = (table["dataset"] == table["dataset"].iloc[0]) & (table["image"] == table["image"].iloc[0])
    return table, table.assign(pixels=table["pixels"].mask(first, "12345678"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_with_two_pictures_of_one_name_is_refused(kind: str, tmp_path: Path) -> None:
    good, other = changed(kind)
    path = tmp_path / "table.csv"
    good.to_csv(path, index=False)
    READ[kind](path)
    mixed = good.assign(pixels=[other["pixels"].iloc[0], *good["pixels"][1:]])
    if kind == "tiles":
        mixed = pd.concat([good, other.assign(network="m")])
    mixed.to_csv(path, index=False)
    row = good.iloc[0]
    with pytest.raises(NormeqError) as refused:
        READ[kind](path)
    said = str(refused.value)
    assert said.startswith(
        f"{path}: the images called {row['dataset']}/{row['image']} are different pictures"
    )
    assert "12345678" in said and row["pixels"] in said and "\n" not in said
    mixed.drop(columns="pixels").to_csv(path, index=False)  # a table from before the column was there
    READ[kind](path)


@pytest.mark.parametrize("kind", ["noise_levels", "intervals", "protocols", "heatmap", "tuning"])
def test_nor_are_two_such_tables_compared(kind: str, tmp_path: Path) -> None:
    good, other = changed(kind)
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    good.to_csv(a, index=False)
    other.to_csv(b, index=False)
    with pytest.raises(NormeqError, match=f"^{a} and {b}: the images called {good['dataset'].iloc[0]}/"):
        compare(a, b)
    other.drop(columns="pixels").to_csv(b, index=False)
    compare(a, b)


def test_nor_put_together(tmp_path: Path) -> None:
    table = synthetic.noise_levels(images={"set12": 2}).assign(pixels="0badcafe")
    parts = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for part, variant, pixels in zip(parts, ("norm", "scale"), ("0badcafe", "12345678"), strict=True):
        rows = table[table["variant"] == variant]
        rows.assign(pixels=rows["pixels"].mask(rows["image"] == "01", pixels)).to_csv(part, index=False)
    with pytest.raises(NormeqError, match=f"^{parts[0]} and {parts[1]}: the images called set12/01 are"):
        collect(parts, tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()


def test_parts_of_an_image_are_told_apart_by_their_size_where_that_is_asked_for() -> None:
    table = pd.DataFrame(
        {"dataset": "d", "image": "i", "size": ["0", "64"], "pixels": ["0badcafe", "12345678"]}
    )
    check_pixels({"a.csv": table}, by_size=True)
    with pytest.raises(NormeqError, match="different pictures or parts of one"):
        check_pixels({"a.csv": table})
    check_pixels({"a.csv": table.assign(pixels=["0badcafe", ""])})  # from before the column was there
