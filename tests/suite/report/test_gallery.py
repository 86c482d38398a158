"""What the interactive view is given: the pictures in their order, the numbers of the long tables."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from normeq.errors import NormeqError
from normeq.suite.report.gallery import gallery_data
from tests.suite.report import gallery_files as files

READ = {"dtype": {"train_sigma": str, "seed": str, "draw": str, "image": str}, "keep_default_na": False}


def data(folder, **options):
    parts = files.write(folder, **options)
    return gallery_data(parts, folder / "noise_levels.csv", folder / "intervals.csv"), parts


def level(picture: str) -> float:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("L")).mean()


def test_pictures_stand_where_the_numbers_do(tmp_path):
    found, _ = data(tmp_path)
    over_noise, over_intervals = found["views"]
    assert over_noise["stops"] == ["σ = 5", "σ = 25", "σ = 50"]
    assert over_intervals["stops"] == ["[0, 1]", "[0, 255]", "[10, 11]"]
    for i in range(3):
        for s in range(3):
            for d in range(2):
                assert level(over_noise["pictures"][i][s][d]) == pytest.approx(files.gray(i, s, d), abs=2)
    for i in range(2):
        for shown, stored in ((0, 0), (1, 2), (2, 1)):  # [10, 11] was stored before [0, 255]
            expected = files.gray(i, stored, 1, moved=True)
            assert level(over_intervals["pictures"][i][shown][1]) == pytest.approx(expected, abs=2)


def test_numbers_are_those_of_the_long_tables(tmp_path):
    found, parts = data(tmp_path)
    levels = pd.read_csv(tmp_path / "noise_levels.csv", **READ)
    ranges = pd.read_csv(tmp_path / "intervals.csv", **READ)
    over_noise, over_intervals = found["views"]
    norm = levels[levels.variant == "norm"]
    place = {"dataset": "bsd68", "image": "test001", "sigma": 50.0, "draw": "0"}
    assert over_noise["whole"][2][2][2] == pytest.approx(files.cell(norm, **place), abs=1e-6)
    assert over_noise["whole"][2][2][0] == pytest.approx(files.cell(norm, "psnr_in", **place), abs=1e-6)
    assert over_noise["means"][0]["label"] == "Set12"
    mean = files.cell(norm, dataset="set12", sigma=5.0)  # two images, two draws
    assert over_noise["means"][0]["values"][0][2] == pytest.approx(mean, abs=1e-6)
    ordinary = ranges[ranges.variant == "ordinary"]
    value = files.cell(ordinary, image="02", a=0.0, b=255.0)
    assert over_intervals["whole"][1][1][1] == pytest.approx(value, abs=1e-6)
    with np.load(parts[1]) as part:
        assert over_noise["crop"][1][0][2] == pytest.approx(part["psnr"][1, 0], abs=1e-6)
        assert over_intervals["crop"][0][2][2] == pytest.approx(part["psnr_moved"][0, 1], abs=1e-6)


def test_the_noise_is_made_again_from_its_label(tmp_path):
    found, _ = data(tmp_path)
    over_noise, over_intervals = found["views"]
    at_25 = 20 * np.log10(255 / 25)
    assert over_noise["crop"][0][1][0] == pytest.approx(at_25, abs=0.8)  # of 256 pixels
    assert over_intervals["noisy"][0] == [over_noise["noisy"][0][1]]
    assert len(set(over_noise["noisy"][0])) == 3


def test_norm_against_ordinary_or_what_there_is(tmp_path):
    def chosen(denoisers):
        found, _ = data(tmp_path, denoisers=denoisers)
        view = found["views"][0]
        return [found["methods"][view[axis]]["label"] for axis in "xy"]

    assert chosen(files.OURS) == ["ordinary", "normalization-equivariant"]
    assert chosen([files.OWN]) == ["noisy", "mine"]
    assert chosen([files.OURS[0], files.OWN]) == ["ordinary", "mine"]


def test_colours_are_those_of_the_figures(tmp_path):
    found, _ = data(tmp_path, denoisers=(*files.OURS, files.OWN))
    assert [method["colour"] for method in found["methods"]] == ["#7F7F7F", "#D55E00", "#009E73", "#E69F00"]


def test_without_intervals_there_is_one_view(tmp_path):
    found, _ = data(tmp_path, moved=False)
    assert [view["kind"] for view in found["views"]] == ["noise"]


def test_numbers_of_another_normalisation_stand_under_no_picture(tmp_path):
    """Pictures are of the nominal range."""
    parts = files.write(tmp_path)
    table = pd.read_csv(tmp_path / "intervals.csv", dtype=str)
    table.assign(normalise="minmax").to_csv(tmp_path / "intervals.csv", index=False)
    _, moved = gallery_data(parts, tmp_path / "noise_levels.csv", tmp_path / "intervals.csv")["views"]
    assert {number for image in moved["whole"] for stop in image for number in stop[1:]} == {None}
    assert "lowest and highest value of the noisy image" in moved["note"]


def test_what_was_not_measured_has_no_number(tmp_path):
    parts = files.write(tmp_path)
    levels = pd.read_csv(tmp_path / "noise_levels.csv", **READ)
    levels[levels.sigma != 50].to_csv(tmp_path / "noise_levels.csv", index=False)
    over_noise, over_intervals = gallery_data(parts, tmp_path / "noise_levels.csv", None)["views"]
    assert over_noise["whole"][0][2] == [None, None, None] and None not in over_noise["whole"][0][1]
    assert over_intervals["whole"][0][1][1:] == [None, None] and over_intervals["crop"][0][1][1] is not None


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda path: path.unlink(), "net-norm.npz: no such file"),
        (lambda path: path.write_text("text"), "net-norm.npz is not a gallery"),
        (lambda path: np.savez(path, meta="{}"), "net-norm.npz is not a gallery"),
    ],
)
def test_a_bad_part_is_named(tmp_path, break_it, words):
    parts = files.write(tmp_path)
    break_it(parts[1])
    with pytest.raises(NormeqError, match=words):
        gallery_data(parts, tmp_path / "noise_levels.csv", None)


def test_parts_of_other_pictures_are_refused(tmp_path):
    (tmp_path / "other").mkdir()
    [first, _], [_, second] = files.write(tmp_path), files.write(tmp_path / "other", moved=False)
    with pytest.raises(NormeqError, match="shows other pictures than"):
        gallery_data([first, second], tmp_path / "noise_levels.csv", None)


def test_a_denoiser_that_the_table_lacks_is_refused(tmp_path):
    parts = files.write(tmp_path, denoisers=(*files.OURS, files.OWN))
    levels = pd.read_csv(tmp_path / "noise_levels.csv", **READ)
    levels[levels.variant != "other"].to_csv(tmp_path / "noise_levels.csv", index=False)
    with pytest.raises(
        NormeqError, match="mine-other.npz shows mine, which .*noise_levels.csv does not have"
    ):
        gallery_data(parts, tmp_path / "noise_levels.csv", None)


@pytest.mark.parametrize(
    ("limit", "images", "denoisers"),
    [(36, ["set12/01", "set12/02", "bsd68/test001"], 2), (24, ["set12/01", "bsd68/test001"], 2),
     (6, ["set12/01", "bsd68/test001"], 1)],
)  # fmt: skip
def test_a_page_has_room_for_so_many_pictures(tmp_path, monkeypatch, limit, images, denoisers):
    """With a hundred networks it would be a hundred megabytes."""
    monkeypatch.setattr("normeq.suite.report.gallery.PICTURES", limit)
    found, _ = data(tmp_path)
    over_noise, over_intervals = found["views"]
    assert [image["name"] for image in found["images"]] == images
    assert len(found["methods"]) == 1 + denoisers
    said = f"pictures are of {len(images)} of 3 images and {denoisers} of 2 denoisers"
    assert (said in over_noise["note"]) == (said in over_intervals["note"]) == (limit < 36)
    number = {"set12/01": 0, "set12/02": 1, "bsd68/test001": 2}
    for i, image in enumerate(images):
        for d in range(denoisers):
            expected = files.gray(number[image], 1, d)
            assert level(over_noise["pictures"][i][1][d]) == pytest.approx(expected, abs=2)
    for i, image in enumerate(images[:-1]):
        expected = files.gray(number[image], 2, 0, moved=True)
        assert level(over_intervals["pictures"][i][1][0]) == pytest.approx(expected, abs=2)
