"""The two figures made of pictures: filters and examples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from normeq.errors import NormeqError
from normeq.suite.figures import examples, filters
from normeq.suite.figures.pixel_page import PixelPage
from normeq.suite.figures.style import paper_style, save
from normeq.suite.formats.numbers import sci
from normeq.suite.results.pictures import EXAMPLES, FILTERS, read_parts
from normeq.suite.tables import filters as filter_table
from tests.synthetic_parts import PIXELS, write_part


def array(path: Path, key: str) -> np.ndarray:
    with np.load(path) as archive:
        return archive[key]


def test_filter_numbers_are_those_of_the_parts(parts: list[Path], tmp_path: Path, svg_text) -> None:
    filters.make(parts, tmp_path / "figure")
    numbers = pd.read_csv(tmp_path / "figure.csv").set_index(["variant", "sigma", "pixel"])
    assert len(numbers) == 4 * 2 * 2
    text = svg_text(tmp_path / "figure.svg")
    for path, variant in zip(parts, ("wrapped", "norm", "ordinary", "scale"), strict=True):
        sums, psnr = array(path, "sums"), array(path, "psnr")
        for i, sigma in enumerate((25.0, 5.0)):
            assert f"{psnr[i]:.2f} dB, ρ = {sci(array(path, 'defect')[i])}" in text
            for j, pixel in enumerate("AB"):
                row = numbers.loc[(variant, sigma, pixel)]
                assert (row["sum"], row["psnr"]) == (sums[i, j], psnr[i])
                assert (row["row"], row["col"]) == PIXELS[j]
                assert f"{pixel}: sum {sums[i, j]:.2f}" in text
    for words in ("Set12 image 02", "row 50, column 50", "σ = 25", "σ = 5", "filter weight", "seed 0"):
        assert words in text, words


def test_the_filter_table_has_the_numbers_of_the_figure(parts: list[Path]) -> None:
    table = filter_table.make(parts)
    assert list(table.shown.columns)[:3] == ["denoiser", "σ", "PSNR"]
    shown = table.shown.set_index(["denoiser", "σ"])
    sums, psnr = array(parts[2], "sums"), array(parts[2], "psnr")
    row = shown.loc[("ordinary", "5")]
    assert row["PSNR"] == f"{psnr[1]:.2f}" and row["sum at (40, 10)"] == f"{sums[1, 1]:.4f}"
    assert row["‖f(y) − J(y)y‖/‖f(y)‖"] == "0.1"
    others = table.shown[table.shown["denoiser"] != "ordinary"]
    assert (others["‖f(y) − J(y)y‖/‖f(y)‖"] == "3.0e−8").all()
    assert len(table.numbers) == 4 * 2 * 2


def test_a_single_denoiser_has_no_best(parts: list[Path], tmp_path: Path, svg_text) -> None:
    svg, *_ = examples.make(parts[:1], tmp_path / "one")
    assert "bold" not in svg_text(svg)
    svg, *_ = examples.make(parts, tmp_path / "all")
    assert "the best denoiser in bold" in svg_text(svg)


def test_one_symmetric_scale_for_all_filters(parts: list[Path]) -> None:
    loaded = read_parts(parts, FILTERS)
    norm = filters.scale(loaded)
    largest = max(np.abs(part["filters"]).max() for part in loaded)
    assert (norm.vmin, norm.vmax) == (-largest, largest) and norm(0.0) == pytest.approx(0.5)
    assert float(norm(0.1)) - 0.5 == pytest.approx(0.5 - float(norm(-0.1)))
    with paper_style():
        figure = filters.draw(loaded)
        figure.draw_without_rendering()
    bar = sorted(
        (label.get_window_extent() for label in figure.axes[-1].get_xticklabels()), key=lambda b: b.x0
    )
    assert len(bar) >= 5 and not any(a.overlaps(b) for a, b in zip(bar, bar[1:], strict=False))
    coloured = [
        image for axes in figure.axes for image in axes.images if image.get_cmap().name == filters.COLOURS
    ]
    assert len(coloured) == 4 * 2 * 2 + 1  # and the colour bar
    assert {(image.norm.vmin, image.norm.vmax) for image in coloured} == {(-largest, largest)}


def test_example_numbers_and_the_best_in_bold(parts: list[Path], tmp_path: Path, says) -> None:
    examples.make(parts, tmp_path / "figure")
    numbers = pd.read_csv(tmp_path / "figure.csv")
    assert (numbers["picture"] == "noisy").sum() == 2 and len(numbers) == 2 * 5
    for i, sigma in enumerate((25.0, 5.0)):
        at = numbers[numbers["sigma"] == sigma]
        assert at.loc[at["picture"] == "noisy", "psnr"].item() == array(parts[0], "psnr_in")[i]
        for path, variant in zip(parts, ("wrapped", "norm", "ordinary", "scale"), strict=True):
            assert at.loc[at["variant"] == variant, "psnr"].item() == array(path, "psnr")[i]
    says(
        tmp_path / "figure.svg",
        "noisy",
        "clean",
        "ordinary",
        "wrapped",
        "σ = 5",
        "Set12 image 02, crop 48 × 48",
        "trained at σ = 25",
    )
    with paper_style():
        figure = examples.draw(read_parts(parts, EXAMPLES))
    bold = [t.get_text() for t in figure.texts if t.get_text().endswith(" dB") and t.get_weight() == "bold"]
    best = numbers[numbers["picture"] == "denoised"].groupby("sigma", sort=False)["psnr"].max()
    assert bold == [f"{value:.2f} dB" for value in best]


def test_image_pixels_are_squares_of_equal_gray(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).random((5, 7))
    with paper_style():
        page = PixelPage(101, 83)
        page.image(11, 13, picture, 9)
        save(page.figure, pd.DataFrame({"x": [1]}), tmp_path / "page")
    page = imread(tmp_path / "page.png")[..., 0]
    assert page.shape == (83, 101)
    inner = page[13 : 13 + 45, 11 : 11 + 63].reshape(5, 9, 7, 9)[:, 3:6, :, 3:6]  # away from the frame
    assert (np.ptp(inner, axis=(1, 3)) == 0).all()
    np.testing.assert_allclose(inner[:, 0, :, 0], picture, atol=1.5 / 255)


@pytest.mark.parametrize("figure", [filters, examples])
def test_same_parts_same_bytes_in_any_order(parts: list[Path], tmp_path: Path, figure) -> None:
    first = [path.read_bytes() for path in figure.make(parts, tmp_path / "a")]
    assert first == [path.read_bytes() for path in figure.make(parts[::-1], tmp_path / "b")]
    assert all(len(content) < 1_500_000 for content in first)


def test_networks_and_users_denoisers_are_named(tmp_path: Path, svg_text) -> None:
    parts = [write_part(tmp_path, "norm", network) for network in ("tiny", "fdncnn20x64")]
    parts.append(write_part(tmp_path, "other", "mine", train_sigma=None, seed=None))
    examples.make(parts, tmp_path / "figure")
    text = svg_text(tmp_path / "figure.svg")
    for words in ("tiny trained at σ = 25", "fdncnn20x64 trained at σ = 25", "mine"):
        assert words in text
    assert "mine trained" not in text


def test_an_image_may_carry_its_data_set(tmp_path: Path) -> None:
    plain, joined = write_part(tmp_path, "norm"), tmp_path / "joined.npz"
    content = dict(np.load(plain))
    meta = json.loads(str(content["meta"]))
    meta["image"] = f"{meta.pop('dataset')}/{meta['image']}"
    np.savez(joined, **content | {"meta": json.dumps(meta)})
    one, two = (read_parts([path], EXAMPLES)[0].meta for path in (plain, joined))
    assert one == two and (two["dataset"], two["image"]) == ("set12", "02")


def refused(parts: list[Path], words: str, keys=FILTERS) -> None:
    with pytest.raises(NormeqError, match=words) as caught:
        read_parts(parts, keys)
    assert "\n" not in str(caught.value)


def test_bad_parts_are_refused(parts: list[Path], tmp_path: Path) -> None:
    refused([], "no parts")
    refused([tmp_path / "absent.npz"], "no such file: .*absent.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    refused([tmp_path / "text.npz"], "text.npz is not a readable")
    (tmp_path / "cut.npz").write_bytes(parts[0].read_bytes()[:5000])
    refused([tmp_path / "cut.npz"], "cut.npz is not a readable")
    content = dict(np.load(parts[0]))
    np.savez(
        tmp_path / "less.npz", **{key: value for key, value in content.items() if key not in {"sums", "psnr"}}
    )
    refused([tmp_path / "less.npz"], "less.npz: missing array.* sums, psnr")
    np.savez(tmp_path / "nan.npz", **content | {"denoised": content["denoised"] * np.nan})
    refused([tmp_path / "nan.npz"], "denoised .*not finite")


@pytest.mark.parametrize(
    ("change", "words"), [({"rng": 1}, "noisy"), ({"side": 50}, "clean"), ({"sigmas": (25.0, 6.0)}, "sigmas")]
)
def test_parts_of_another_question_are_refused(
    parts: list[Path], tmp_path: Path, change: dict, words: str
) -> None:
    refused([*parts, write_part(tmp_path, "norm", "another", **change)], f"differ in {words}")


def test_a_pixel_outside_the_crop_is_refused(tmp_path: Path) -> None:
    part = write_part(tmp_path, "norm", pixels=((10, 48),))
    with pytest.raises(NormeqError, match="pixel 10,48 lies outside the crop of 48 × 48"):
        filters.make([part], tmp_path / "figure")
    assert not (tmp_path / "figure.svg").exists()
