"""Reading the long tables: a mistake is one line that names the file and the thing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.results.long_tables import NOISE_LEVELS, read_intervals, read_noise_levels, train_range
from tests import synthetic

SMALL = {"set12": 3}


def written(table: pd.DataFrame, folder: Path) -> Path:
    table.to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def refused(path: Path, words: str) -> None:
    with pytest.raises(NormeqError, match=words) as caught:
        read_noise_levels(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


def test_values_survive_and_rows_are_in_showing_order(tmp_path: Path) -> None:
    table = synthetic.noise_levels(
        images={"skimage-test": 2, "bsd68": 2, "set12": 2}, other=("mine",), sigmas=(50, 5)
    )
    read = read_noise_levels(written(table.sample(frac=1, random_state=0), tmp_path))
    assert read["variant"].drop_duplicates().tolist() == ["ordinary", "scale", "norm", "wrapped", "other"]
    assert read["dataset"].drop_duplicates().tolist() == ["set12", "bsd68", "skimage-test"]
    assert set(read["train_sigma"]) == {"25", ""}
    keys = ["network", "variant", "dataset", "image", "sigma"]
    both = read.merge(table[[*keys, "psnr"]], on=keys)
    assert len(both) == len(table) and (both["psnr_x"] == both["psnr_y"]).all()


def test_networks_stand_in_the_order_in_which_a_reader_counts(tmp_path: Path) -> None:
    names = ["net", "net.10M", "net.41M", "net.164M", "net.655M"]
    one = synthetic.noise_levels(images=SMALL)
    table = pd.concat([one.assign(network=name) for name in reversed(names)])
    read = read_noise_levels(written(table, tmp_path))
    assert read["network"].drop_duplicates().tolist() == names


def test_missing_file_empty_file_header_only(tmp_path: Path) -> None:
    refused(tmp_path / "absent.csv", "no such table")
    path = tmp_path / "table.csv"
    path.write_text("")
    refused(path, "empty")
    path.write_text(",".join(NOISE_LEVELS) + "\n")
    refused(path, "no rows")
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    refused(path, "cannot read|missing column")


def test_missing_columns_are_named(tmp_path: Path) -> None:
    refused(
        written(synthetic.noise_levels(images=SMALL).drop(columns=["psnr", "draw"]), tmp_path), "draw, psnr$"
    )
    with pytest.raises(NormeqError, match=r"missing columns a, b"):
        read_intervals(tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("column", "value"), [("psnr", np.nan), ("psnr", np.inf), ("sigma", "x"), ("ssim", ""), ("image", "")]
)
def test_a_bad_cell_is_located(tmp_path: Path, column: str, value: object) -> None:
    table = synthetic.noise_levels(images=SMALL).astype({column: object})
    table.loc[4, column] = value
    refused(written(table, tmp_path), f"line 6: column {column}")


def test_infinite_input_psnr_of_a_clean_image_is_allowed(tmp_path: Path) -> None:
    table = synthetic.noise_levels(images=SMALL, sigmas=(5, 25))
    table.loc[table["sigma"] == 5, "psnr_in"] = np.inf
    assert np.isinf(read_noise_levels(written(table, tmp_path))["psnr_in"]).any()


def test_a_measurement_listed_twice_is_refused(tmp_path: Path) -> None:
    table = synthetic.noise_levels(images=SMALL)
    refused(written(pd.concat([table, table.iloc[[7]]]), tmp_path), "listed twice")


def test_denoisers_on_different_images_are_refused(tmp_path: Path) -> None:
    table = synthetic.noise_levels(images={"set12": 5}, other=("mine",))
    few = table[(table["variant"] != "other") | (table["image"] < "03")]
    refused(written(few, tmp_path), "3 for mine/other .* 5 for fdncnn8x32")


def test_training_levels(tmp_path: Path) -> None:
    assert [train_range(label) for label in ("25", "0-55", "")] == [(25, 25), (0, 55), None]
    table = synthetic.noise_levels(images=SMALL).astype({"train_sigma": object})
    table["train_sigma"] = "blind"
    refused(written(table, tmp_path), "train_sigma .* not blind")
    table["train_sigma"] = "5.0-50"
    assert set(read_noise_levels(written(table, tmp_path))["train_sigma"]) == {"5-50"}
