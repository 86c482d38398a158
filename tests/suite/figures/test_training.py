"""The training figure shows the logs of the runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from normeq.errors import NormeqError
from normeq.suite.analysis.training import training_curves
from normeq.suite.figures import training

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


def test_a_run_without_a_log_is_left_out_and_none_is_a_mistake(runs: list[Path], tmp_path: Path) -> None:
    (runs[0] / "train.jsonl").unlink()
    assert set(training_curves(runs)["variant"]) == {"ordinary"}
    with pytest.raises(NormeqError, match="no run has a log"):
        training_curves(runs[:1])
