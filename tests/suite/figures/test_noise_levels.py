"""The noise-level figure: what is noise_level_curves, and that it can be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from normeq.errors import NormeqError
from normeq.suite.analysis.noise_levels import noise_level_curves
from normeq.suite.figures import noise_levels
from normeq.suite.figures.style import COLOURS, MARKERS, NOISY, PUBLISHED, paper_style, save
from normeq.suite.results.long_tables import read_noise_levels
from tests import synthetic
from tests.suite.results.test_published import MOHAN, write

CURVES = [
    {"source": "https://example.org Figure 10 (vector figure)", "variant": v, "test_sigma": s, "value": x}
    | {"verified": mark}
    for v, s, x, mark in [
        ("baseline", "6", "30.5", "yes"),
        ("baseline", "40", "19.0", "yes"),
        ("norm-equiv", "6", "35.5", "yes"),
        ("norm-equiv", "40", "28.1", "no"),
        ("norm-equiv", "200", "21.0", "yes"),
    ]
]


def by_image(path: Path) -> pd.DataFrame:
    """Mean over draws: rows (dataset, variant, sigma), one column per image position."""
    return pd.read_csv(path).groupby(["dataset", "variant", "sigma", "image"])[["psnr", "psnr_in"]].mean()


def test_the_csv_holds_means_over_images(levels: Path, levels_figure: Path) -> None:
    numbers = pd.read_csv(levels_figure.with_suffix(".csv"))
    images = by_image(levels)
    means = images.groupby(["dataset", "variant", "sigma"]).mean()
    ours = numbers[(numbers["panel"] == "psnr") & (numbers["kind"] == "denoiser")]
    assert len(ours) == len(means)
    for row in ours.itertuples():
        psnr, psnr_in = means.loc[(row.dataset, row.variant, row.sigma)]
        assert (row.value, row.psnr_in) == pytest.approx((psnr, psnr_in), rel=1e-6)
        assert row.low < row.value < row.high and row.images == {"set12": 4, "bsd68": 5}[row.dataset]
    noisy = numbers[numbers["kind"] == "noisy"]
    assert len(noisy) == 2 * 3 and (noisy["value"] == noisy["psnr_in"]).all()
    np.testing.assert_allclose(noisy["value"], 20 * np.log10(255 / noisy["sigma"]), atol=0.1)


def test_the_difference_is_paired_with_the_norm_variant(levels: Path) -> None:
    numbers = noise_level_curves(read_noise_levels(levels))
    images = by_image(levels)["psnr"].unstack("variant")
    ours = numbers[numbers["panel"] == "difference"]
    for row in ours.itertuples():
        difference = (images[row.variant] - images["norm"]).loc[(row.dataset, row.sigma)]
        assert row.value == pytest.approx(difference.mean(), abs=1e-9)
        if difference.any():  # the spread of the differences decides, not that of the images
            assert (row.low, row.high) == pytest.approx(ttest_1samp(difference, 0).confidence_interval(0.95))
    assert set(ours["variant"]) == {"ordinary", "scale", "norm", "wrapped"}


def test_a_users_denoiser_is_compared_on_the_same_noise(tmp_path: Path) -> None:
    """The rows of one network under another name differ from it by nothing, whatever else is measured."""
    long = synthetic.noise_levels(variants=("ordinary", "norm"), images={"set12": 9}, sigmas=(5, 25), draws=3)
    norm = long[long["variant"] == "norm"]
    few = norm[norm["draw"] != 1].assign(network="mine", variant="other", train_sigma="", seed="")
    few.loc[few["draw"] == 2, "draw"] = 7  # a draw that the network does not have

    def differences(table: pd.DataFrame) -> pd.DataFrame:
        table.to_csv(tmp_path / "t.csv", index=False)
        numbers = noise_level_curves(read_noise_levels(tmp_path / "t.csv"))
        return numbers[(numbers["panel"] == "difference") & (numbers["variant"] == "other")]

    found = differences(pd.concat([few, long]))
    assert len(found) == 2 and (found[["value", "low", "high"]] == 0).all(axis=None)
    assert set(found["draws"]) == {1}
    again = norm.assign(seed="1", psnr=norm["psnr"] + 1)
    found = differences(pd.concat([few, long, again]))  # beside the mean of two trainings
    np.testing.assert_allclose(found[["value", "low", "high"]], -0.5)
    assert differences(pd.concat([few[few["draw"] == 7], long])).empty


def test_every_line_on_the_axes_is_a_series_of_the_csv(levels: Path, tmp_path: Path) -> None:
    numbers = noise_level_curves(read_noise_levels(levels), write(tmp_path, CURVES, "published_curves.csv"))
    with paper_style():
        figure = noise_levels.draw(numbers)
    axes = {a.get_title(loc="left"): a for a in figure.axes if a.get_title(loc="left")}
    assert list(axes) == ["Set12, 4 images", "BSD68, 5 images"]
    for dataset, panel in zip(("set12", "bsd68"), axes.values(), strict=True):
        cell = numbers[(numbers["dataset"] == dataset) & (numbers["panel"] == "psnr")]
        lines = {line.get_color(): line for line in panel.get_lines()}
        for variant in set(cell["variant"]) & set(COLOURS):
            colour = COLOURS[variant]
            rows = cell[(cell["kind"] == "denoiser") & (cell["variant"] == variant)].sort_values("sigma")
            np.testing.assert_array_equal(lines[colour].get_xydata(), rows[["sigma", "value"]])
        rows = cell[cell["kind"] == "noisy"].sort_values("sigma")
        np.testing.assert_array_equal(lines[NOISY].get_xydata(), rows[["sigma", "value"]])
        marks = [line for line in panel.get_lines() if list(line.get_xdata()) == [25.0, 25.0]]
        assert len(marks) == 1 and marks[0].get_linestyle() == "--"


def test_published_curves_are_verified_and_within_reach(
    levels: Path, levels_figure: Path, tmp_path: Path, svg_text
) -> None:
    plain = levels_figure
    folder = write(tmp_path, CURVES, "published_curves.csv")
    noise_levels.make(levels, tmp_path / "figure", folder)
    numbers = pd.read_csv(tmp_path / "figure.csv")
    theirs = numbers[numbers["kind"] == "published"]
    assert sorted(theirs["value"]) == [19.0, 30.5, 35.5] and set(theirs["dataset"]) == {"set12"}
    assert theirs["source"].str.contains("Figure 10").all()
    assert "published: FDnCNN-20, Saied & Fleuret 2026" in svg_text(tmp_path / "figure.svg")
    assert "published" not in plain.with_suffix(".csv").read_text() + svg_text(plain.with_suffix(".svg"))


def test_a_panel_without_the_same_network_shows_another_and_says_so(tmp_path: Path) -> None:
    long = synthetic.noise_levels(images={"set12": 4, "bsd68": 5}, sigmas=(5, 25, 50))
    ranged = long.assign(train_sigma="1-50", network="blind")
    pd.concat([long, ranged]).to_csv(tmp_path / "t.csv", index=False)
    neighbours = [
        MOHAN
        | {"dataset": name, "train_sigma": trained, "variant": variant, "test_sigma": sigma, "value": value}
        for name, trained, level in (("Set12", "0-30", 20), ("BSD68", "0-30", 21), ("BSD68", "0-55", 22))
        for variant, more in (("bias", 0), ("bias-free", 5))
        for sigma, value in (("10", f"{level + more + 1}"), ("40", f"{level + more}"))
    ]  # fmt: skip
    folder = write(tmp_path, [*CURVES, *neighbours], "published_curves.csv")
    numbers = noise_level_curves(read_noise_levels(tmp_path / "t.csv"), folder)
    theirs = numbers[numbers["kind"] == "published"].set_index(["dataset", "train"])
    assert set(theirs.loc[("set12", "25"), "network"]) == {"FDnCNN-20"}
    assert ("set12", "1-50") not in theirs.index
    for train, trained in (("25", "0-30"), ("1-50", "0-55")):
        rows = theirs.loc[("bsd68", train)]
        assert set(rows["train_sigma"]) == {trained} and set(rows["source"]) == {MOHAN["source"]}
        assert rows["variant"].tolist() == ["ordinary"] * 2 + ["scale"] * 2
    with paper_style():
        figure = noise_levels.draw(numbers)
    axes = [a for a in figure.axes if a.get_title(loc="left").startswith("BSD68")]
    for panel, train in zip(axes, ("25", "1-50"), strict=True):
        lines = {line.get_marker(): line for line in panel.get_lines() if line.get_color() == PUBLISHED}
        assert set(lines) == {MARKERS["ordinary"], MARKERS["scale"]}
        for variant in ("ordinary", "scale"):
            rows = theirs.loc[("bsd68", train)].query("variant == @variant")
            np.testing.assert_array_equal(lines[MARKERS[variant]].get_xydata(), rows[["sigma", "value"]])
    subtitle = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert "grey, with the markers of the variants" in subtitle
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(label for label in labels if "published" in label) == [
        "published: DnCNN trained on 0–30, Mohan et al. 2020 (BSD68)",
        "published: DnCNN trained on 0–55, Mohan et al. 2020 (BSD68)",
        "published: FDnCNN-20, Saied & Fleuret 2026 (Set12)",
    ]
    figure.draw_without_rendering()
    inside = figure.legends[0].get_window_extent()
    assert 0 <= inside.x0 and inside.x1 <= figure.bbox.x1


def test_the_svg_says_what_it_shows(levels_figure: Path, svg_text) -> None:
    text = svg_text(levels_figure.with_suffix(".svg"))
    for words in (
        "fdncnn8x32", "trained at σ = 25", "training σ = 25", "Set12, 4 images", "BSD68, 5 images",
        "2 noise draws", "1 training seed", "95 % interval over images", "output PSNR (dB)",
        "test noise level σ (8-bit units, log scale)",
        "ordinary", "scale-equivariant",
        "normalization-equivariant", "wrapped ordinary", "noisy input",
        "axis of differences linear", "0.5 dB, logarithmic beyond",
    ):  # fmt: skip
        assert words in text.replace("\u00a0", " "), words


def test_same_input_same_bytes(levels: Path, levels_figure: Path, tmp_path: Path) -> None:
    for path in noise_levels.make(levels, tmp_path / "again"):
        assert path.read_bytes() == levels_figure.with_suffix(path.suffix).read_bytes()


def test_several_networks_levels_and_a_users_denoiser_stay_apart(tmp_path: Path, says) -> None:
    tables = [
        synthetic.noise_levels(
            ("tiny", "fdncnn20x64"), train=train, other=other, images={"set12": 3}, sigmas=(5, 10, 25)
        )
        for train, other in ((10.0, ("mine", "bm3d")), (25.0, ()))
    ]
    pd.concat(tables).to_csv(tmp_path / "t.csv", index=False)
    numbers = noise_level_curves(read_noise_levels(tmp_path / "t.csv"))
    others = numbers[numbers["variant"] == "other"]
    assert set(others["train"]) == {"10", "25"}  # shown in both rows
    assert set(others["panel"]) == {"psnr"}  # there are two norm networks to compare with
    with paper_style():
        figure = noise_levels.draw(numbers)
        save(figure, numbers, tmp_path / "figure")
    lines = figure.legends[0].get_lines()
    styles = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines]
    assert len(styles) == len(set(styles)) == 2 * 4 + 2 + 1
    says(
        tmp_path / "figure.svg",
        "ordinary, tiny",
        "ordinary, fdncnn20x64",
        "mine",
        "bm3d",
        "trained at σ = 10 and 25",
    )


def test_a_clean_input_and_a_training_range(tmp_path: Path) -> None:
    table = synthetic.noise_levels(images={"set12": 3}, sigmas=(5, 25)).assign(train_sigma="0-55")
    clean = table[table["sigma"] == 5].assign(sigma=0, psnr_in=np.inf)
    pd.concat([table, clean]).to_csv(tmp_path / "t.csv", index=False)
    svg, *_ = noise_levels.make(tmp_path / "t.csv", tmp_path / "figure")
    assert "training σ = 0–55" in svg.read_text()


def test_a_bad_table_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("network,variant\n")
    with pytest.raises(NormeqError, match="missing column"):
        noise_levels.make(tmp_path / "t.csv", tmp_path / "out" / "figure")
    assert not (tmp_path / "out").exists()
