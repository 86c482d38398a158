"""The headline table: the numbers of the long tables, and few of them."""

import pandas as pd
import pytest

from normeq.suite.report.headline import headline
from tests.suite.report import gallery_files as files

READ = {"dtype": {"seed": str, "draw": str, "image": str}, "keep_default_na": False}


def test_numbers_are_those_of_the_long_tables(tmp_path):
    files.write(tmp_path, denoisers=[*files.OURS, files.OWN])
    found = headline(tmp_path / "noise_levels.csv", tmp_path / "intervals.csv")
    heads = ["σ = 5", "σ = 25", "σ = 50", "worst [a,b]"]
    assert found["groups"] == [("Set12", heads), ("BSD68", heads)]
    assert [row["name"] for row in found["rows"]] == ["ordinary", "normalization-equivariant", "mine"]
    levels = pd.read_csv(tmp_path / "noise_levels.csv", **READ)
    ranges = pd.read_csv(tmp_path / "intervals.csv", **READ)
    for row, variant in zip(found["rows"], ("ordinary", "norm", "other"), strict=True):
        psnr = levels[levels.variant == variant].groupby(["dataset", "sigma"]).psnr.mean()
        moved = ranges[ranges.variant == variant].groupby(["dataset", "a", "b"]).psnr.mean()
        for place, dataset in ((0, "set12"), (4, "bsd68")):
            expected = [psnr[dataset, sigma] for sigma in files.SIGMAS]
            expected.append((moved[dataset] - moved[dataset, 0, 1]).min())
            cells = [float(cell.replace("−", "-")) for cell in row["cells"][place : place + 4]]
            assert cells == pytest.approx(expected, abs=0.0051)


def test_what_went_to_a_and_b_is_said_where_it_is_not_the_nominal_range(tmp_path):
    files.write(tmp_path)
    assert "(" not in headline(tmp_path / "noise_levels.csv", tmp_path / "intervals.csv")["note"]
    ranges = pd.read_csv(tmp_path / "intervals.csv", **READ)
    ranges.assign(normalise="minmax").to_csv(tmp_path / "intervals.csv", index=False)
    note = headline(tmp_path / "noise_levels.csv", tmp_path / "intervals.csv")["note"]
    assert "largest (lowest and highest value of the noisy image to a and b)." in note


def test_without_intervals_and_with_several_networks(tmp_path):
    other = ("wide", "norm", "5-50", "0")
    files.write(tmp_path, denoisers=[files.OURS[0], other])
    found = headline(tmp_path / "noise_levels.csv", None)
    assert found["groups"][0] == ("Set12", ["σ = 5", "σ = 25", "σ = 50"])
    assert [(row["name"], row["train"]) for row in found["rows"]] == [
        ("net, ordinary", "25"),
        ("wide, normalization-equivariant", "5–50"),
    ]


def test_of_many_noise_levels_a_few(tmp_path):
    files.write(tmp_path, denoisers=[files.OURS[0]])
    table = pd.read_csv(tmp_path / "noise_levels.csv", **READ)
    rows = table[table.sigma == 5]
    pd.concat([rows.assign(sigma=float(sigma)) for sigma in (5, 10, 15, 20, 24, 30, 40, 55, 75, 100)]).to_csv(
        tmp_path / "noise_levels.csv", index=False
    )
    assert headline(tmp_path / "noise_levels.csv", None)["groups"][0][1] == [
        "σ = 5",
        "σ = 24",
        "σ = 55",
        "σ = 100",
    ]
