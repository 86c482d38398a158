"""The figure of the published metric, from defects of known size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normeq.errors import NormeqError
from normeq.suite.analysis.certificate import read_certificate
from normeq.suite.analysis.defect import defect_summary
from normeq.suite.figures import defect
from normeq.suite.figures.style import COLOURS, paper_style

ROOT = Path(__file__).parents[3]
SIZES = {"ordinary": 0.1, "norm": 1e-6, "other": 0.5}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Defects of image 01 are half, of image 02 one and a half times those of SIZES, times σ/25."""
    rows = [
        {
            "network": "tiny" if variant != "other" else "mine", "variant": variant, "train_sigma": "25",
            "seed": seed, "dataset": "set12", "image": image, "sigma": sigma, "size": 64, "kind": kind,
            "scale": scale, "shift": 0.1, "dtype": dtype, "device": "cpu", "absolute": 1, "error": "",
            "weights": f"{variant}{seed}",
            "relative": size * factor * sigma / 25 * (7 if kind == "joint" or dtype == "float64" else 1),
        }
        for variant, size in SIZES.items()
        for seed in (0, 1)
        for image, factor in (("01", 0.5), ("02", 1.5))
        for sigma in (5, 25, 50)
        for kind in ("published", "joint")
        for scale in (0.7, 1.2)
        for dtype in ("float32", "float64")
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "certificate.csv", index=False)
    return tmp_path / "certificate.csv"


def test_the_figure_shows_the_mean_over_draws_and_images(certificate: Path, tmp_path: Path, says) -> None:
    defect.make(certificate, tmp_path / "figure", ROOT / "data/published")
    numbers = pd.read_csv(tmp_path / "figure.csv", dtype={"train_sigma": str})
    ours = numbers[numbers["kind"] == "denoiser"].set_index(["variant", "sigma"])
    assert set(ours.index.get_level_values("variant")) == {"ordinary", "norm"}  # classical ones: in the table
    for variant in ("ordinary", "norm"):
        for sigma in (5, 25, 50):
            assert ours.loc[(variant, sigma), "value"] == pytest.approx(SIZES[variant] * sigma / 25)
    assert (ours[["images", "seeds", "draws"]] == [2, 2, 2]).all(axis=None)
    theirs = numbers[numbers["kind"] == "published"]
    assert set(theirs["variant"]) == {"baseline", "wne", "soft-ne"} and theirs["source"].notna().all()
    says(
        tmp_path / "figure.svg",
        "ordinary",
        "published: SwinIR-lite, wrapped",
        "middle 64×64 pixels",
        "2 draws",
    )


def test_curves_have_the_colours_of_their_variants_on_a_logarithmic_axis(certificate: Path) -> None:
    with paper_style():
        [axes] = defect.draw(defect_summary(read_certificate(certificate))).axes
    assert axes.get_yscale() == "log"
    drawn = {line.get_color(): line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 3}
    assert np.allclose(drawn[COLOURS["norm"]], [2e-7, 1e-6, 2e-6])
    assert np.allclose(drawn[COLOURS["ordinary"]], [0.02, 0.1, 0.2])


def test_few_images_have_no_band(certificate: Path) -> None:
    """Student's t of two images reaches below zero, where a logarithmic axis ends."""
    with paper_style():
        [axes] = defect.draw(defect_summary(read_certificate(certificate))).axes
    bands = [path.vertices for band in axes.collections for path in band.get_paths()]
    assert not any(np.isfinite(band).all() for band in bands)


def test_users_denoisers_are_shown_where_there_are_no_networks(certificate: Path) -> None:
    table = read_certificate(certificate)
    assert set(defect_summary(table[table["variant"] == "other"])["network"]) == {"mine"}


def test_a_refused_range_leaves_a_gap(certificate: Path) -> None:
    table = read_certificate(certificate)
    refused = (table["variant"] == "norm") & (table["sigma"] == 5) & (table["image"] == "01")
    table.loc[refused, "relative"] = np.inf  # on one of two images: the other alone would look better
    numbers = defect_summary(table)
    assert list(numbers.loc[numbers["variant"] == "norm", "sigma"]) == [25, 50]


def test_without_draws_of_the_metric_it_says_what_to_do(certificate: Path, tmp_path: Path) -> None:
    table = pd.read_csv(certificate, dtype=str)
    table[table["kind"] != "published"].to_csv(certificate, index=False)
    with pytest.raises(NormeqError, match="--published-datasets"):
        defect.make(certificate, tmp_path / "figure")
