"""The fit finds a law that is known, and the table and the figure say what it says."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.analysis.law import fit_law, law_points, laws, repeated
from normeq.suite.figures import law as figure
from normeq.suite.tables import law as table

LIMITS, FACTORS, EXPONENT = {"norm": 29.2, "ordinary": 29.3}, {"norm": 1.5, "ordinary": 4.0}, 0.45
STEPS = {"norm": (1000, 4000, 16_000, 64_000), "ordinary": (1000, 4000, 16_000)}
PATCHES = 4096  # pixels of a step


def known(variant: str, mpx: float) -> float:
    return LIMITS[variant] - FACTORS[variant] / mpx**EXPONENT


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Results of a law without noise, on two images; a short run and one of another batch are off it."""
    return record(tmp_path)


def record(folder: Path, networks: Sequence[tuple[str, int, float]] = (("net", 20, 25.0),)) -> Path:
    """Results of trainings of networks, each a name, a depth, and a noise level of training, which takes as
    many dB off as it lies above 25."""
    rows = []
    for network, depth, level in networks:
        for variant, lengths in STEPS.items():
            for steps, batch in [*((n, 1) for n in lengths), (200, 1), (8000, 2)]:
                mpx = steps * batch * PATCHES / 1e6
                weights = f"{len(rows):08x}"
                recipe = {"steps": steps, "batch": batch, "patch": 64, "warmup": 50, "lr": 1 / steps}
                name = f"{network}{steps}b{batch}"
                built = {"name": name, "architecture": "fdncnn", "depth": depth, "channels": 64}
                spec = {"network": built, "variant": variant, "dataset": "d", "sigma": level, "seed": 0}
                spec["recipe"] = recipe
                run = {
                    "spec": spec,
                    "steps": steps,
                    "pixels": mpx * 1e6,
                    "weights_sha256": weights + 56 * "0",
                }
                out = folder / "results/runs" / f"{name}-{variant}-{level:g}"
                out.mkdir(parents=True)
                (out / "run.json").write_text(json.dumps(run))
                off = 3.0 if batch == 2 or steps == 200 else 0.0
                for sigma in sorted({25.0, 50.0, level}):
                    for image, harder in (("a", 0.5), ("b", -0.5)):
                        psnr = known(variant, mpx) - harder - off - (sigma - 25)
                        row = {"network": name, "variant": variant, "train_sigma": f"{level:g}", "seed": 0}
                        row |= {"dataset": "set12", "image": image, "sigma": sigma, "draw": 0}
                        row |= {"psnr_in": 20.0, "psnr": psnr, "ssim": 0.9, "weights": weights}
                        rows.append(row)
    path = folder / "results/x/noise_levels.csv"
    path.parent.mkdir()
    with open(path, "w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_known_law_is_found_from_the_lengths_of_one_recipe(experiment: Path) -> None:
    points = law_points(experiment)
    assert points["fitted"].sum() == 7 and len(points) == 11
    assert set(points.loc[~points["fitted"], "network"]) == {"net200b1", "net8000b2"}
    found = laws(points, None).set_index("variant")
    for variant, limit in LIMITS.items():
        row = found.loc[variant]
        assert row["limit"] == pytest.approx(limit, abs=1e-3)
        assert row["exponent"] == pytest.approx(EXPONENT, abs=1e-3)
        assert row["limit_low"] == pytest.approx(limit, abs=2e-3)
        assert np.isnan(row["mpx_to_published"])


def test_intervals_do_not_depend_on_the_names_of_networks(experiment: Path) -> None:
    points = law_points(experiment)
    points["psnr"] += np.random.default_rng(0).normal(0, 0.05, len(points))
    keys = ["series", "dataset", "variant"]
    one, other = (
        laws(table, None).set_index(keys).sort_index() for table in (points, points.sort_values("network"))
    )
    pd.testing.assert_frame_equal(one, other)


def test_the_interval_holds_the_limit_about_as_often_as_it_says() -> None:
    mpx = np.tile([10.0, 40.0, 160.0, 640.0], 2)
    which = np.repeat([0, 1], 4)
    exact = np.array([known(("norm", "ordinary")[i], x) for i, x in zip(which, mpx, strict=True)])
    rng = np.random.default_rng(1)
    held = []
    for _ in range(60):
        law = fit_law(which, mpx, exact + rng.normal(0, 0.02, len(mpx)))
        limits = [other.limits[0] for other in repeated(law, which, mpx, 99)]
        low, high = np.quantile(limits, [0.025, 0.975])
        held.append(low <= LIMITS["norm"] <= high)
    assert 0.8 <= np.mean(held)


def test_pixels_to_a_level() -> None:
    mpx = np.tile([10.0, 40.0, 160.0, 640.0], 2)
    which = np.repeat([0, 1], 4)
    law = fit_law(which, mpx, [known(("norm", "ordinary")[i], x) for i, x in zip(which, mpx, strict=True)])
    reached = law.pixels_to([28.9, 29.4])
    assert law([reached[0]])[0, 0] == pytest.approx(28.9) and np.isinf(reached[1])
    assert np.isnan(law.pixels_to([np.nan, np.nan])).all()


def test_as_many_points_as_parameters_are_no_fit() -> None:
    with pytest.raises(ValueError, match="3 points for 3 parameters"):
        fit_law([0, 0, 0], [1, 2, 4], [1, 2, 3])


def test_rows_without_their_run_are_a_mistake(experiment: Path) -> None:
    for run in (experiment.parent.parent / "runs").glob("*/run.json"):
        run.unlink()
    with pytest.raises(NormeqError, match="has its run in"):
        law_points(experiment)


def test_two_lengths_are_no_series(experiment: Path) -> None:
    for run in (experiment.parent.parent / "runs").glob("net[46]*000b1-*/run.json"):
        run.unlink()
    for run in (experiment.parent.parent / "runs").glob("net16000b1-*/run.json"):
        run.unlink()
    with pytest.raises(NormeqError, match="3 lengths or more"):
        laws(law_points(experiment), None)


def test_the_table(experiment: Path) -> None:
    made = table.make(experiment, Path("data/published"))
    shown = made.shown.set_index("variant")
    norm = shown.loc["normalization-equivariant"]
    assert norm["limit"].startswith("29.20 [29.") and norm["published"] == "30.42"
    assert norm["pixels to the published"].startswith("never [") and norm["published length"] == "564 Gpx"
    assert shown.loc["ordinary", "262 Mpx"] == "–"
    assert shown.loc["ordinary", "4 Mpx"] == f"{known('ordinary', 4.096):.2f}"
    assert "exponent" in made.notes[1] and "0.45" in made.notes[1]


def test_the_figure(experiment: Path, tmp_path: Path) -> None:
    figure.make(experiment, tmp_path / "figure", Path("data/published"))
    text = (tmp_path / "figure.svg").read_text()
    for words in ("PSNR (dB)", "pixels trained on (million, log scale)", "not in the fit", "published"):
        assert words in text
    assert "1 noise draw per image, 1 training seed" in text.replace("\u00a0", " ")
    with open(tmp_path / "figure.csv", newline="") as handle:
        kinds = [row["kind"] for row in csv.DictReader(handle)]
    assert kinds.count("point") == 11 and kinds.count("published") == 2


def test_several_laws_are_told_apart(tmp_path: Path) -> None:
    path = record(tmp_path, [("net", 20, 25.0), ("net", 20, 50.0), ("flat", 4, 25.0)])
    made = table.make(path, Path("data/published"))
    names = {f"{name}, 1 patch of 64×64" for name in ("net, σ = 25", "net, σ = 50", "flat, σ = 25")}
    assert set(made.shown["law"]) == set(made.numbers["law"]) == names and len(made.shown) == 6
    limits = made.numbers.set_index(["law", "variant"])["limit"]
    assert limits["net, σ = 50, 1 patch of 64×64", "norm"] == pytest.approx(29.2 - 25, abs=1e-3)
    assert all(f"{name}: Set12 0.45" in made.notes[1] for name in names)
    # Published values are of the paper's network alone, at its own noise level.
    printed = made.numbers.set_index(["law", "variant"])["published"]
    assert printed.loc["net, σ = 25, 1 patch of 64×64", "norm"] == 30.42
    assert printed.loc["flat, σ = 25, 1 patch of 64×64"].isna().all()
    figure.make(path, tmp_path / "figure", Path("data/published"))
    text = (tmp_path / "figure.svg").read_text()
    assert all(name in text for name in names)
    drawn = pd.read_csv(tmp_path / "figure.csv")
    drawn = drawn[(drawn["kind"] == "law") & (drawn["variant"] == "norm")]
    assert all(rows["psnr"].is_monotonic_increasing for _, rows in drawn.groupby("law"))
    assert drawn["law"].nunique() == 3


def test_published_values_are_those_that_are_printed(experiment: Path) -> None:
    """Not of the logs, whose digits nobody printed."""
    values = laws(law_points(experiment), Path("data/published")).set_index("variant")["published"]
    assert values["ordinary"] == 30.51  # 30.506 in the logs
    text = Path("data/published/published_psnr.csv").read_text()
    assert all(f",{value:.2f}," in text for value in values)


def test_a_mean_of_several_trainings_counts_as_so_many() -> None:
    """As the trainings one by one do, when they agree."""
    mpx, psnr = np.array([10.0, 40.0, 160.0, 640.0]), np.array([27.0, 28.1, 28.5, 28.8])
    often = np.array([1, 3, 1, 2])
    one = fit_law(np.zeros(4, int), mpx, psnr, often)
    every = fit_law(np.zeros(7, int), np.repeat(mpx, often), np.repeat(psnr, often))
    assert one.exponent == pytest.approx(every.exponent, rel=1e-6)
    assert one.limits[0] == pytest.approx(every.limits[0], rel=1e-9)
    assert one.limits[0] != pytest.approx(fit_law(np.zeros(4, int), mpx, psnr).limits[0], abs=1e-3)
    spread = [
        np.std([law([160.0])[0, 0] for law in repeated(one, np.zeros(4, int), mpx, 400, trainings=many)])
        for many in (often, 9 * often)
    ]
    assert spread[1] == pytest.approx(spread[0] / 3, rel=0.3)
