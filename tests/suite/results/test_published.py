"""Published values: only verified rows, only what was asked for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.results.published import (
    COLUMNS,
    at_sigma,
    fdncnn_curves,
    mohan_curves,
    nearest_curves,
    read_published,
)

DATA = Path(__file__).parents[3] / "data" / "published"


def write(folder: Path, rows: list[dict], name: str = "published_psnr.csv") -> Path:
    base = {
        "paper": "Saied2026", "method": "FDnCNN", "variant": "norm-equiv", "architecture": "FDnCNN-20",
        "train_sigma": "25", "test_sigma": "25", "dataset": "Set12", "metric": "PSNR", "value": "30.42",
        "source": "https://example.org Table 7", "verified": "yes",
    }  # fmt: skip
    pd.DataFrame([base | row for row in rows], columns=list(COLUMNS)).to_csv(folder / name, index=False)
    return folder


@pytest.mark.parametrize("mark", ["no", "", "YES?", "unverified", "Yes"])
def test_rows_not_verified_never_appear(tmp_path: Path, mark: str) -> None:
    write(tmp_path, [{}, {"value": "99.9", "verified": mark}])
    assert read_published(tmp_path, "published_psnr.csv")["value"].tolist() == [30.42]


def test_unverified_rows_may_lack_a_number_but_verified_ones_may_not(tmp_path: Path) -> None:
    write(tmp_path, [{}, {"value": "", "verified": "no"}])
    assert len(read_published(tmp_path, "published_psnr.csv")) == 1
    write(tmp_path, [{"value": "thirty"}])
    with pytest.raises(NormeqError, match="no number in column value"):
        read_published(tmp_path, "published_psnr.csv")


def test_missing_file_and_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(NormeqError, match="published_psnr.csv"):
        read_published(tmp_path, "published_psnr.csv")
    (tmp_path / "published_psnr.csv").write_text("paper,method\nx,y\n")
    with pytest.raises(NormeqError, match="variant, architecture, .*verified"):
        read_published(tmp_path, "published_psnr.csv")


def test_only_matched_noise_of_the_data_set(tmp_path: Path) -> None:
    rows = [
        {"value": "1"},
        {"value": "2", "train_sigma": "25.0", "test_sigma": "25.0", "dataset": "set12"},
        {"value": "3", "train_sigma": "n/a"},  # a classical method
        {"value": "4", "train_sigma": "50"},
        {"value": "5", "train_sigma": "0-55"},
        {"value": "6", "train_sigma": "range"},
        {"value": "6.5", "train_sigma": ""},  # not said
        {"value": "7", "test_sigma": "15"},
        {"value": "8", "dataset": "BSD68"},
        {"value": "9", "metric": "PSNR_nonstandard"},
        {"value": "10", "dataset": "Set12/02 crop"},
    ]
    table = read_published(write(tmp_path, rows), "published_psnr.csv")
    assert at_sigma(table, 25, "set12")["value"].tolist() == [1, 2, 3]


def test_curves_take_one_source_and_our_variant_names(tmp_path: Path) -> None:
    figure = "https://example.org Figure 10 (vector figure)"
    rows = [
        {"source": figure, "variant": v, "test_sigma": s, "value": f"{30 + i}"}
        for i, (v, s) in enumerate([("wne", "50"), ("wne", "5"), ("baseline", "5"), ("soft", "5")])
    ]
    rows += [{"source": "https://example.org eval_logs/x.csv"}, {"source": figure, "train_sigma": "10"}]
    rows += [{"source": figure, "verified": "no"}, {"source": figure, "architecture": "DnCNN-20-BN"}]
    write(tmp_path, rows, "published_curves.csv")
    curves = fdncnn_curves(read_published(tmp_path, "published_curves.csv"), 25, "set12")
    assert curves[["variant", "sigma", "value"]].to_numpy().tolist() == [
        ["ordinary", 5.0, 32.0], ["wrapped", 5.0, 31.0], ["wrapped", 50.0, 30.0],
    ]  # fmt: skip


def test_the_files_of_the_repository_can_be_read() -> None:
    psnr, curves = (read_published(DATA, f"published_{kind}.csv") for kind in ("psnr", "curves"))
    assert (psnr["source"] != "").all() and (curves["source"] != "").all()
    assert set(fdncnn_curves(curves, 25, "set12")["variant"]) == {"ordinary", "scale", "norm", "wrapped"}
    assert not len(fdncnn_curves(curves, 25, "bsd68"))  # none was published
    beside = nearest_curves(curves, (25, 25), "bsd68")
    assert set(beside["paper"]) == {"Mohan2020"} and set(beside["variant"]) == {"ordinary", "scale"}
    assert not beside.duplicated(["variant", "sigma"]).any()
    for low, high in ((10, 10), (30, 30), (50, 50), (1, 50), (75, 75)):
        (trained,) = set(mohan_curves(curves, (low, high), "bsd68")["train_sigma"])
        published = {
            float(text.split("-")[1]) for text in curves.query("paper == 'Mohan2020'")["train_sigma"] if text
        }
        assert float(trained.split("-")[1]) == min(end for end in published if end >= high)


MOHAN = {
    "paper": "Mohan2020", "method": "DnCNN", "architecture": "dncnn", "dataset": "BSD68", "variant": "bias",
    "source": "https://example.org metrics.p",
}  # fmt: skip


def test_beside_other_networks_the_smallest_range_that_holds_the_level(tmp_path: Path) -> None:
    ranges = ("0-100", "20-60", "0-10", "25", "range", "0-55")
    rows = [MOHAN | {"train_sigma": text, "value": f"{i}"} for i, text in enumerate(ranges)]
    rows += [MOHAN | {"train_sigma": "20-60", "variant": "bias-free", "value": "9"}]
    others = (
        {"method": "UNet"},
        {"metric": "SSIM"},
        {"dataset": "Set12"},
        {"verified": "no"},
        {"paper": "x"},
    )
    rows += [MOHAN | {"train_sigma": "24-26"} | other for other in others]
    curves = read_published(write(tmp_path, rows, "published_curves.csv"), "published_curves.csv")

    def found(low: float, high: float) -> list:
        return (
            mohan_curves(curves, (low, high), "bsd68")[["variant", "train_sigma", "value"]]
            .to_numpy()
            .tolist()
        )

    assert found(25, 25) == found(20, 60) == [["ordinary", "20-60", 1.0], ["scale", "20-60", 9.0]]
    assert found(10, 10) == [["ordinary", "0-10", 2.0]] and found(1, 50) == [["ordinary", "0-55", 5.0]]
    assert found(61, 61) == [["ordinary", "0-100", 0.0]] and found(101, 101) == found(-1, 5) == []
    assert set(mohan_curves(curves, (25, 25), "bsd68")["architecture"]) == {"DnCNN"}


def test_the_same_network_comes_before_a_neighbour(tmp_path: Path) -> None:
    figure = "https://example.org Figure 10 (vector figure)"
    rows = [{"source": figure, "dataset": name} for name in ("Set12", "BSD68")]
    rows += [MOHAN | {"train_sigma": "0-55", "dataset": name} for name in ("Set12", "BSD68", "Kodak24")]
    curves = read_published(write(tmp_path, rows, "published_curves.csv"), "published_curves.csv")
    papers = {
        (name, train): nearest_curves(curves, train, name)["paper"].tolist()
        for name in ("set12", "bsd68", "kodak24") for train in ((25, 25), (25, 50))
    }  # fmt: skip
    assert papers == {
        ("set12", (25, 25)): ["Saied2026"], ("set12", (25, 50)): ["Mohan2020"],
        ("bsd68", (25, 25)): ["Saied2026"], ("bsd68", (25, 50)): ["Mohan2020"],
        ("kodak24", (25, 25)): ["Mohan2020"], ("kodak24", (25, 50)): ["Mohan2020"],
    }  # fmt: skip
