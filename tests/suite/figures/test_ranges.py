"""Figures and tables about the range of the input: heat map, pictures on intervals, tuning; and NE(2)."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from seaborn.utils import relative_luminance

from normeq.errors import NormeqError
from normeq.suite.analysis.heatmap import heatmap_losses
from normeq.suite.analysis.tuning import tuning_summary
from normeq.suite.figures import heatmap, interval_pictures, microscopy, tuning, two_dimensional
from normeq.suite.figures.style import paper_style
from normeq.suite.results.long_tables import read_heatmap, read_tuning
from normeq.suite.tables import tuning as tuning_table
from tests.synthetic_parts import clean_picture

VARIANTS = ("ordinary", "scale", "norm", "wrapped")
BASE = {"network": "tiny", "train_sigma": "25", "seed": 0, "dataset": "set12", "draw": 0}


@pytest.fixture
def heat(tmp_path: Path) -> Path:
    """The loss is log10(scale)² for the ordinary network, |shift| for the scale-equivariant one, else 0."""
    rows = [
        BASE | {"variant": variant, "image": image, "sigma": 25, "scale": scale, "shift": shift, "psnr": psnr}
        for variant in VARIANTS
        for image, best in (("01", 30.0), ("02", 28.0))
        for scale in (0.1, 1.0, 10.0, 100.0)
        for shift in (-1.0, 0.0, 0.5)
        for psnr in [
            best - {"ordinary": np.log10(scale) ** 2 + abs(shift), "scale": abs(shift)}.get(variant, 0)
        ]
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "heatmap.csv", index=False)
    return tmp_path / "heatmap.csv"


def test_the_heat_map_shows_the_loss(heat: Path, tmp_path: Path, says) -> None:
    heatmap.make(heat, tmp_path / "figure")
    numbers = pd.read_csv(tmp_path / "figure.csv").set_index(["variant", "scale", "shift"])
    assert len(numbers) == 4 * 4 * 3 and (numbers["images"] == 2).all()
    assert numbers.loc[("ordinary", 100, -1), "loss"] == pytest.approx(5)
    assert numbers.loc[("scale", 100, 0.5), "loss"] == pytest.approx(0.5)
    assert (numbers.sort_index().loc["norm", "loss"] == 0).all()
    assert numbers.loc[("norm", 1, 0), "psnr"] == 29
    says(
        tmp_path / "figure.svg",
        "ordinary",
        "normalization-equivariant",
        "trained at σ = 25",
        "Set12, 2 images",
        "−1",
        "5.0",
    )


def test_a_cell_of_the_heat_map_stands_at_its_scale_and_shift(heat: Path) -> None:
    with paper_style():
        figure = heatmap.draw(heatmap_losses(read_heatmap(heat)))
    axes = next(a for a in figure.axes if a.get_title(loc="left") == "ordinary")
    shown = axes.collections[0].get_array()
    scales = [t.get_text() for t in axes.get_yticklabels()]
    shifts = [t.get_text() for t in axes.get_xticklabels()]
    assert scales == ["0.1", "1", "10", "100"] and shifts == ["−1", "0", "0.5"]
    assert shown[scales.index("10"), shifts.index("0.5")] == pytest.approx(1.5)
    assert axes.get_ylim()[0] < axes.get_ylim()[1]  # wider upwards


def test_the_numbers_of_the_heat_map_can_be_read(heat: Path) -> None:
    table = pd.read_csv(heat)
    table["psnr"] -= np.linspace(0, 20, len(table)) * (table["scale"] > 1)  # losses all over the scale
    table.to_csv(heat, index=False)
    with paper_style():
        figure = heatmap.draw(heatmap_losses(read_heatmap(heat)))
    for axes in figure.axes[:4]:
        cells = axes.collections[0].get_facecolors()
        assert len(axes.texts) == len(cells) == 12
        for text, cell in zip(axes.texts, cells, strict=True):
            low, high = sorted(relative_luminance(colour) for colour in (text.get_color(), cell))
            assert (high + 0.05) / (low + 0.05) > 3.5, text  # WCAG asks 3 of large text


def test_cells_that_were_not_measured_stay_empty(heat: Path) -> None:
    table = pd.read_csv(heat)
    table[(table["scale"] != 100) | (table["shift"] != 0.5) | (table["variant"] != "norm")].to_csv(
        heat, index=False
    )
    with paper_style():
        figure = heatmap.draw(heatmap_losses(read_heatmap(heat)))
    assert [len(axes.texts) for axes in figure.axes[:4]] == [12, 12, 11, 12]


def test_the_heat_map_needs_the_plain_range(heat: Path, tmp_path: Path) -> None:
    table = pd.read_csv(heat)
    table[(table["scale"] != 1) | (table["shift"] != 0)].to_csv(heat, index=False)
    with pytest.raises(NormeqError, match="scale 1 and shift 0"):
        heatmap.make(heat, tmp_path / "figure")


def test_heat_map_and_tuning_say_which_part_of_the_images_they_show(
    heat: Path, tuned: Path, tmp_path: Path, svg_text
) -> None:
    for module, path in ((heatmap, heat), (tuning, tuned)):
        table = pd.read_csv(path)
        for size, named in ((128, table.assign(size=128)), (0, table.assign(size=0)), (0, table)):
            named.to_csv(path, index=False)
            module.make(path, tmp_path / "figure")
            text = re.sub(r"[\s|\u00a0]+", " ", svg_text(tmp_path / "figure.svg"))
            part = re.search("2 images(, test σ = 25)?, middle 128×128 pixels;", text)
            assert (part is not None) == (size > 0) == ("middle" in text), text
            assert set(pd.read_csv(tmp_path / "figure.csv")["size"]) == {size}


def more_of(table: pd.DataFrame, unit: pd.Series) -> pd.DataFrame:
    """One more draw and seed of what the rest is compared with, of another PSNR."""
    more = [table[unit].assign(**{name: 1}, psnr=table["psnr"] - 9) for name in ("draw", "seed")]
    return pd.concat([*more, table])


def test_losses_and_gains_are_those_of_the_same_seed_and_draw(heat: Path, tuned: Path) -> None:
    keys = ["variant", "scale", "shift"]
    even, table = heatmap_losses(read_heatmap(heat)).set_index(keys)["loss"], pd.read_csv(heat)
    more_of(table, (table["scale"] == 1) & (table["shift"] == 0)).to_csv(heat, index=False)
    uneven = heatmap_losses(read_heatmap(heat)).set_index(keys)["loss"]
    pd.testing.assert_series_equal(uneven.sort_index(), even.sort_index())
    keys = ["variant", "method"]
    even, table = tuning_summary(read_tuning(tuned)).set_index(keys), pd.read_csv(tuned)
    more_of(table, table["tuning"] == "none").to_csv(tuned, index=False)
    uneven = tuning_summary(read_tuning(tuned)).set_index(keys)
    there = [("ordinary", "known"), ("scale", "none"), ("norm", "none")]
    pd.testing.assert_series_equal(uneven.loc[there, "gain"], even.loc[there, "gain"])


@pytest.mark.parametrize(
    ("loss", "text"),
    [(0.004, "0"), (-0.004, "0"), (0.04, "0.04"), (3.14, "3.1"), (13.7, "14"), (-0.5, "−0.50")],
)
def test_short_numbers(loss: float, text: str) -> None:
    assert heatmap.short(loss) == text


def interval_part(folder: Path, variant: str, sigma: float = 25.0) -> Path:
    clean = clean_picture(24)
    noisy = clean + np.random.default_rng(0).normal(0, sigma / 255, clean.shape)
    denoised = np.stack([0.9 * clean, 0.8 * clean])
    meta = {k: BASE[k] for k in ("network", "train_sigma", "seed")} | {"variant": variant, "dataset": "set12"}
    path = folder / f"{variant}.npz"
    np.savez(
        path, meta=json.dumps(meta | {"image": "05", "crop": [1, 2, 24]}), clean=clean, noisy=noisy,
        sigma=np.array(sigma), psnr_in=np.array(20.0), intervals=np.array([[0.0, 1.0], [-1.0, 1.0]]),
        denoised=denoised, psnr=np.array([31.5, 11.25]),
    )  # fmt: skip
    return path


def test_pictures_on_intervals(tmp_path: Path, says) -> None:
    interval_pictures.make([interval_part(tmp_path, v) for v in VARIANTS], tmp_path / "figure")
    says(
        tmp_path / "figure.svg",
        "[0, 1]",
        "[−1, 1]",
        "31.50 dB",
        "11.25 dB",
        "noisy, 20.00 dB",
        "clean",
        "σ = 25",
        "image 05",
    )
    numbers = pd.read_csv(tmp_path / "figure.csv")
    assert len(numbers) == 1 + 4 * 2
    assert numbers.query("variant == 'norm' and a == -1")["psnr"].item() == 11.25


def test_pictures_of_another_noise_level_are_refused(tmp_path: Path) -> None:
    parts = [interval_part(tmp_path, "norm"), interval_part(tmp_path, "scale", sigma=20.0)]
    with pytest.raises(NormeqError, match="differ in"):
        interval_pictures.make(parts, tmp_path / "figure")


def test_choices_of_black_and_white(tmp_path: Path, says) -> None:
    clean = clean_picture(24)
    ranges = np.array([[0, 65535], [0, 4095], [210, 1190], [262, 1130], [400, 1000]], dtype=float)
    parts = []
    for variant in VARIANTS:
        meta = {k: BASE[k] for k in ("network", "train_sigma", "seed")} | {"variant": variant}
        meta |= {"dataset": "skimage-test", "image": "camera", "crop": [1, 2, 24]}
        parts.append(tmp_path / f"{variant}.npz")
        np.savez(
            parts[-1], meta=json.dumps(meta), clean=clean, noisy=clean, sigma=np.array(25.0),
            psnr_in=np.array(20.0), ranges=ranges, counts=np.array([400.0, 600.0]),
            denoised=np.stack([clean] * 5), psnr=np.array([7.5, 8.25, 27.0, 28.0, 29.0]),
        )  # fmt: skip
    microscopy.make(parts, tmp_path / "figure")
    says(tmp_path / "figure.svg", "the truth", "400 to 1000", "7.50 dB", "noise of 59 counts", "photograph")
    numbers = pd.read_csv(tmp_path / "figure.csv")
    assert len(numbers) == 4 * 5
    assert numbers.query("variant == 'norm' and range == '12 bits'")["psnr"].item() == 8.25


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """Image 01 is best at λ = 2, image 02 as it is; shifts never help the ordinary network."""
    tried = {
        "ordinary": [("none", 1, 0, 20, 24), ("known", 3, 0, 25, 20), ("scale", 2, 0, 27, 23),
                     ("shift", 1, 0.3, 19, 18)],
        "scale": [("none", 1, 0, 26, 26), ("shift", 1, 0.3, 27, 25), ("shift", 1, -0.3, 24, 28)],
        "norm": [("none", 1, 0, 29, 30)],
        "wrapped": [("none", 1, 0, 28, 28)],
    }  # fmt: skip
    rows = [
        BASE
        | {"variant": v, "image": image, "sigma": 75, "tuning": kind, "scale": k, "shift": m, "psnr": psnr}
        for v, lines in tried.items()
        for kind, k, m, *both in lines
        for image, psnr in zip(("01", "02"), both, strict=True)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "tuning.csv", index=False)
    return tmp_path / "tuning.csv"


def test_an_oracle_takes_the_best_for_each_image(tuned: Path) -> None:
    numbers = tuning_summary(read_tuning(tuned)).set_index(["variant", "method"])
    assert numbers["psnr"].to_dict() == {
        ("ordinary", "none"): 22, ("ordinary", "known"): 22.5, ("ordinary", "scale"): 25.5,
        ("ordinary", "shift"): 22, ("scale", "none"): 26, ("scale", "shift"): 27.5, ("norm", "none"): 29.5,
        ("wrapped", "none"): 28,
    }  # fmt: skip
    assert numbers.loc[("ordinary", "scale"), "gain"] == 3.5
    assert numbers.loc[("scale", "shift"), "gap"] == -2
    assert (numbers.loc[("ordinary", "scale"), ["scale", "shift"]] == [1.5, 0]).all()  # median of 2 and 1


def test_the_tuning_table_and_figure_say_what_was_done(tuned: Path, tmp_path: Path, says) -> None:
    table = tuning_table.make(tuned)
    cells = table.shown.set_index("denoiser")["σ = 75"]
    assert cells["ordinary, scale tuning, oracle"] == "25.50 (+3.50; λ = 1.5)"
    assert cells["normalization-equivariant"] == "29.50"
    tuning.make(tuned, tmp_path / "figure")
    says(
        tmp_path / "figure.svg",
        "scale-equivariant, shift tuning, oracle",
        "Set12, σ = 75",
        "trained at σ = 25",
        "2 images",
    )
    assert len(pd.read_csv(tmp_path / "figure.csv")) == 8


@pytest.mark.parametrize("dataset", ["skimage-test", "set12-without-04", "my_images_from_the_new_microscope"])
def test_titles_of_narrow_panels_do_not_meet(tuned: Path, dataset: str) -> None:
    table = read_tuning(tuned).assign(dataset=dataset)
    several = [
        table.assign(sigma=sigma, network=name) for sigma in (5, 25, 75) for name in ("fdncnn20x64", "tiny")
    ]
    with paper_style():
        figure = tuning.draw(tuning_summary(pd.concat(several)))
        figure.draw_without_rendering()
        titles = figure.findobj(
            lambda artist: isinstance(artist, Text) and re.search("σ = (5|25|75)$", artist.get_text())
        )
        boxes = sorted((title.get_window_extent() for title in titles), key=lambda box: box.x0)
    assert len(boxes) == 3
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert boxes[-1].x1 <= figure.bbox.x1


def test_without_the_norm_variant_the_psnr_itself_is_shown(tuned: Path, tmp_path: Path, svg_text) -> None:
    table = pd.read_csv(tuned)
    table[table["variant"] != "norm"].to_csv(tuned, index=False)
    tuning.make(tuned, tmp_path / "figure")
    assert "PSNR (dB)" in svg_text(tmp_path / "figure.svg")


def test_the_picture_of_one_and_two_dimensions(tmp_path: Path, svg_text) -> None:
    two_dimensional.make(tmp_path / "figure")
    numbers = pd.read_csv(tmp_path / "figure.csv").set_index("name")
    two = numbers[numbers["dimensions"] == 2]
    assert (two["defect"] < 1e-14).all()
    for letter in "AB":
        for row in "12":
            np.testing.assert_allclose(two[f"{letter}{row}1"] + two[f"{letter}{row}2"], 1)
    assert numbers.loc["identity", "defect"] == 0 and numbers.loc[["ReLU", "tanh"], "defect"].min() > 0.1
    assert "identity: defect 0" in svg_text(tmp_path / "figure.svg")
