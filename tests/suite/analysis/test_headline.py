"""The summary for `dvc metrics diff`."""

import itertools

import pandas as pd
import pytest
from typer.testing import CliRunner

from normeq import cli
from normeq.errors import NormeqError
from normeq.suite.analysis.headline import summarise_experiment

SERIES = {"network": "net", "variant": "norm", "train_sigma": "25", "seed": "0", "dataset": "set12"}


def test_means_and_the_worst_interval(tmp_path):
    cells = list(itertools.product(["01", "02"], [5, 25], [0, 1]))
    levels = pd.DataFrame(
        SERIES
        | {"image": i, "sigma": s, "draw": d, "psnr_in": 20, "psnr": 30 + float(i) + s / 10 + d, "ssim": 0.9}
        for i, s, d in cells
    )
    levels.to_csv(tmp_path / "noise_levels.csv", index=False)
    loss = {(0, 1): 0.0, (0, 255): 3.0, (-1, 1): 1.25}
    intervals = pd.DataFrame(
        SERIES | {"image": i, "sigma": 25, "a": a, "b": b, "draw": 0, "psnr": 30 + float(i) - loss[a, b]}
        for i, (a, b) in itertools.product(["01", "02"], loss)
    )
    intervals.to_csv(tmp_path / "intervals.csv", index=False)
    found = summarise_experiment(tmp_path / "noise_levels.csv", tmp_path / "intervals.csv")
    assert found["psnr_db"] == {"set12": {"net-norm-sigma25": {"sigma5": 32.5, "sigma25": 34.5}}}
    assert found["worst_interval_loss_db"]["set12"]["net-norm-sigma25"] == pytest.approx(3.0)
    assert list(summarise_experiment(tmp_path / "noise_levels.csv", None)) == ["psnr_db"]


def test_the_worst_interval_is_that_of_one_noise_level(tmp_path):
    levels = pd.DataFrame(
        [SERIES | {"image": "01", "sigma": 5, "draw": 0, "psnr_in": 20, "psnr": 30, "ssim": 1}]
    )
    levels.to_csv(tmp_path / "noise_levels.csv", index=False)
    rows = [
        SERIES
        | {"variant": v, "image": "01", "sigma": s, "a": a, "b": b, "draw": draw}
        | {"psnr": 40 - s / 5 - loss - 7 * draw}
        for v, at in (("norm", {5: (0, 0)}), ("scale", {5: (0, 1), 50: (6, 2)}), ("ordinary", {50: (3, 4)}))
        for s, losses in at.items()
        for (a, b), loss in zip([(0, 1), (0, 255), (-1, 1)], (0, *losses), strict=True)
        for draw in range(1 + (a == 0 and b == 1))  # [0,1] alone has another draw
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "intervals.csv", index=False)
    found = summarise_experiment(tmp_path / "noise_levels.csv", tmp_path / "intervals.csv")
    worst = {"net-norm-sigma25": 0, "net-scale-sigma25": 6, "net-ordinary-sigma25": 4}
    assert found["worst_interval_loss_db"] == {"set12": worst}
    assert "-0.0" not in str(found)


def test_the_summary_is_not_written_over_its_tables(tmp_path):
    for name in ("levels.json", "intervals.json"):
        (tmp_path / name).write_text(name)
    words = ["metrics", str(tmp_path / "levels.json"), str(tmp_path / "intervals.json"), "--out"]
    for name in ("levels.json", "intervals.json"):
        error = CliRunner().invoke(cli.app, [*words, str(tmp_path / name)]).exception
        assert isinstance(error, NormeqError) and f"{name}: it is read here" in str(error)
        assert (tmp_path / name).read_text() == name
