"""The training figure shows the logs of the runs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from normeq.errors import NormeqError
from normeq.suite.analysis.training import training_curves
from normeq.suite.figures import training
from normeq.suite.figures.style import paper_style
from normeq.suite.results.names import variant_name

SPEC = {
    "network": {"name": "small", "architecture": "fdncnn", "depth": 4, "channels": 8},
    "dataset": "d",
    "sigma": 25.0,
    "recipe": {"steps": 20},
}


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs of 20 log lines, norm first; the last line of one is torn."""
    folders = []
    for variant in ("norm", "ordinary"):
        folder = tmp_path / variant
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps({"spec": SPEC | {"variant": variant, "seed": 0}}))
        lines = [
            {"step": n, "pixels": n * 500_000, "seconds": n, "lr": 0.1, "loss": 1 / n}
            | ({"validation_psnr": 20 + n / 10} if n % 5 == 0 else {})
            for n in range(1, 21)
        ]
        (folder / "train.jsonl").write_text("\n".join(map(json.dumps, lines)))
        folders.append(folder)
    with open(folder / "train.jsonl", "a") as log:
        log.write('\n{"step": 21, "pix')
    return folders


def test_the_numbers_are_those_of_the_logs(runs: list[Path]) -> None:
    table = training_curves(runs)
    assert list(table["variant"].unique()) == ["ordinary", "norm"] and len(table) == 40
    one = table[table["variant"] == "norm"].set_index("step")
    assert one["loss"][4] == 0.25 and one["mpx"][4] == 2
    assert one["validation_psnr"].dropna().to_dict() == {5: 20.5, 10: 21, 15: 21.5, 20: 22}
    assert one["smooth"][20] == pytest.approx(sum(1 / n for n in range(11, 21)) / 10)


def test_the_figure(runs: list[Path], tmp_path: Path, says) -> None:
    training.make(runs, tmp_path / "figure")
    says(
        tmp_path / "figure.svg",
        "held-out PSNR (dB)",
        "training loss",
        "pixels seen (million)",
        "trained at σ = 25",
        "ordinary",
    )


def test_without_held_out_images_only_the_loss(runs: list[Path], tmp_path: Path, svg_text) -> None:
    for run in runs:
        log = run / "train.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()[:20]]
        log.write_text(
            "\n".join(json.dumps({k: v for k, v in x.items() if k != "validation_psnr"}) for x in lines)
        )
    training.make(runs, tmp_path / "figure")
    text = svg_text(tmp_path / "figure.svg")
    assert "held-out" not in text and "training loss" in text


def test_squared_and_absolute_errors_have_panels_of_their_own(runs: list[Path], tmp_path: Path, says) -> None:
    """As in the published recipes, where l1 is of some variants and mse of others."""
    training.make(runs, tmp_path / "alike")
    assert "criterion" not in pd.read_csv(tmp_path / "alike.csv")
    record = runs[0] / "run.json"
    content = json.loads(record.read_text())
    content["spec"]["recipe"]["loss"] = "l1"
    record.write_text(json.dumps(content))
    training.make(runs, tmp_path / "figure")
    says(tmp_path / "figure.svg", "mean squared error (log scale)", "mean absolute error (log scale)")
    table = pd.read_csv(tmp_path / "figure.csv")
    assert dict(zip(table["variant"], table["criterion"], strict=True)) == {"norm": "l1", "ordinary": "mse"}
    with paper_style():
        drawn = training.draw(training_curves(runs))
        assert [len(axes.lines) for axes in drawn.axes] == [1, 1, 2] and not overlap(drawn)


def test_a_run_without_a_log_is_left_out_and_none_is_a_mistake(runs: list[Path], tmp_path: Path) -> None:
    (runs[0] / "train.jsonl").unlink()
    assert set(training_curves(runs)["variant"]) == {"ordinary"}
    with pytest.raises(NormeqError, match="no run has a log"):
        training_curves(runs[:1])


def many(networks: int, variants: list[str], lengths: list[float]) -> pd.DataFrame:
    """Curves of two points for every network and variant."""
    rows = [
        {
            "network": f"net{i}",
            "variant": variant,
            "train_sigma": "25",
            "seed": 0,
            "criterion": "mse",
            "mpx": part * lengths[i % len(lengths)],
            "smooth": 1 - part / 2,
            "validation_psnr": 25 + part,
        }
        for i in range(networks)
        for variant in variants
        for part in (0.5, 1.0)
    ]
    return pd.DataFrame(rows)


def overlap(figure: Figure) -> bool:
    """Whether the subtitle reaches into a panel."""
    figure.draw_without_rendering()
    subtitle = min(text.get_window_extent().y0 for text in figure.texts)
    return subtitle < max(axes.get_window_extent().y1 for axes in figure.axes)


def test_many_networks_are_listed_beside_the_variants() -> None:
    variants = ["ordinary", "scale", "norm"]
    with paper_style():
        figure = training.draw(many(5, variants, [10, 41, 164, 655, 1311]))
        listed = [text.get_text() for text in figure.legends[0].get_texts()]
        assert listed == [variant_name(v, "") for v in variants] + [f"net{i}" for i in range(5)]
        lines = {str(line.get_linestyle()) + str(line._dash_pattern) for line in figure.axes[0].lines}
        assert len(lines) == 5 and figure.axes[-1].get_xscale() == "log"
        few = training.draw(many(2, variants, [10, 40]))
        assert len(few.legends[0].get_texts()) == 6 and few.axes[-1].get_xscale() == "linear"
        assert not overlap(figure) and not overlap(few)


def test_a_long_legend_does_not_push_the_subtitle_into_the_panels() -> None:
    with paper_style():
        figure = training.draw(many(30, ["other"], [10]))
        assert len(figure.legends[0].get_texts()) == 30 and not overlap(figure)
