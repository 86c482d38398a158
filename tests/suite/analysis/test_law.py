"""The fit finds a law that is known, and the table and the figure say what it says."""

from __future__ import annotations

import csv
import json
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
    rows = []
    for variant, lengths in STEPS.items():
        for steps, batch in [*((n, 1) for n in lengths), (200, 1), (8000, 2)]:
            name = f"{variant}-{steps}-{batch}"
            mpx = steps * batch * PATCHES / 1e6
            weights = f"{len(rows):08x}"
            recipe = {"steps": steps, "batch": batch, "patch": 64, "warmup": 50, "lr": 1 / steps}
            network = {"name": f"net{steps}b{batch}", "architecture": "fdncnn", "depth": 4, "channels": 8}
            spec = {
                "network": network,
                "variant": variant,
                "dataset": "d",
                "sigma": 25.0,
                "seed": 0,
                "recipe": recipe,
            }
            record = {"spec": spec, "steps": steps, "pixels": mpx * 1e6, "weights_sha256": weights + 56 * "0"}
            folder = tmp_path / "results/runs" / name
            folder.mkdir(parents=True)
            (folder / "run.json").write_text(json.dumps(record))
            off = 3.0 if batch == 2 or steps == 200 else 0.0
            for sigma in (25.0, 50.0):
                for image, harder in (("a", 0.5), ("b", -0.5)):
                    psnr = known(variant, mpx) - harder - off - (sigma - 25)
                    row = {"network": network["name"], "variant": variant, "train_sigma": "25", "seed": 0}
                    row |= {"dataset": "set12", "image": image, "sigma": sigma, "draw": 0, "psnr_in": 20.0}
                    rows.append(row | {"psnr": psnr, "ssim": 0.9, "weights": weights})
    path = tmp_path / "results/x/noise_levels.csv"
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
    for run in (experiment.parent.parent / "runs").glob("*-[46]*000-1/run.json"):
        run.unlink()
    for run in (experiment.parent.parent / "runs").glob("*-16000-1/run.json"):
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
    with open(tmp_path / "figure.csv", newline="") as handle:
        kinds = [row["kind"] for row in csv.DictReader(handle)]
    assert kinds.count("point") == 11 and kinds.count("published") == 2
