"""Long tables and pictures, from a small data set of real files and denoisers whose answers are known."""

import csv
import json
import math

import numpy as np
import pytest
import torch
from skimage.io import imsave

from normeq.denoisers import open as denoisers
from normeq.denoisers.open import open_denoiser
from normeq.errors import NormeqError
from normeq.suite.measurements import examples, filters, intervals, noise_levels
from normeq.suite.measuring import pictures
from normeq.suite.measuring import rows as tables
from tests.synthetic_images import stand_for_data_sets
from tests.synthetic_networks import save_small

CPU = torch.device("cpu")


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Two images in a folder that stands for the data set ``d``."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        imsave(folder / f"{name}.png", rng.integers(60, 190, (24, 30), dtype=np.uint8), check_contrast=False)
    paths = sorted(folder.iterdir())
    stand_for_data_sets(monkeypatch, lambda name: paths)
    return paths


@pytest.fixture
def run_folder(tmp_path):
    """Untrained networks saved like finished runs: variant -> folder."""

    def make(variant):
        return str(save_small(tmp_path / variant / "model.safetensors", variant).parent)

    return make


@pytest.fixture
def own(tmp_path):
    """A user's file with denoisers in it."""
    path = tmp_path / "mine.py"
    path.write_text(
        "import torch\n"
        "def identity(noisy, sigma): return noisy\n"
        "def level(noisy, sigma): return noisy * 0 + sigma\n"
        "def crooked(noisy, sigma): return noisy[1:]\n"
        "net = torch.nn.Identity()\n"
    )
    return path


def test_the_identity_gives_back_the_noise(images, own):
    denoiser = open_denoiser(f"same={own}:identity", CPU)
    rows = list(noise_levels.evaluate(denoiser, ["d"], [5, 50], 2, device=CPU))
    assert len(rows) == 2 * 2 * 2
    assert list(rows[0]) == noise_levels.COLUMNS
    assert {row["variant"] for row in rows} == {denoisers.OTHER}
    for row in rows:
        assert row["psnr"] == row["psnr_in_clipped"] >= row["psnr_in"]
        assert row["psnr_in"] == pytest.approx(20 * math.log10(255 / row["sigma"]), abs=0.7)
    assert len({row["psnr_in"] for row in rows}) == len(rows)


def test_sigma_reaches_a_users_function_in_units_of_the_image(own):
    denoiser = open_denoiser(f"level={own}:level", CPU)
    assert denoiser(torch.zeros(1, 1, 2, 2), 0.25).unique().item() == 0.25


def test_rows_do_not_depend_on_what_else_is_evaluated(images, run_folder):
    denoiser = open_denoiser(run_folder("norm"), CPU)
    everything = list(noise_levels.evaluate(denoiser, ["d"], [5, 25, 50], 2, device=CPU))
    alone = list(noise_levels.evaluate(denoiser, ["d"], [50], 1, device=CPU))
    for row in alone:
        assert row in everything


def test_limit(images, run_folder):
    rows = list(
        noise_levels.evaluate(open_denoiser(run_folder("scale"), CPU), ["d"], [25], 1, device=CPU, limit=1)
    )
    assert [row["image"] for row in rows] == ["one"]


@pytest.mark.parametrize(
    ("variant", "same"), [("norm", True), ("wrapped", True), ("scale", False), ("ordinary", False)]
)
def test_intervals(images, run_folder, variant, same):
    denoiser = open_denoiser(run_folder(variant), CPU)
    rows = list(intervals.evaluate(denoiser, ["d"], 25, [(0, 1), (0, 255), (-1, 1), (10, 11)], 1, device=CPU))
    assert list(rows[0]) == intervals.COLUMNS
    spread = np.ptp([row["psnr"] for row in rows if row["image"] == "one"])
    assert (spread < 1e-3) == same


def test_interval_0_1_is_the_plain_evaluation(images, run_folder):
    denoiser = open_denoiser(run_folder("ordinary"), CPU)
    (there,) = intervals.evaluate(denoiser, ["d"], 25, [(0, 1)], 1, device=CPU, limit=1)
    (plain,) = noise_levels.evaluate(denoiser, ["d"], [25], 1, device=CPU, limit=1)
    assert there["psnr"] == plain["psnr"]


def test_examples(images, own):
    crop = pictures.Crop(2, 3, 16)
    found = examples.evaluate(
        open_denoiser(f"same={own}:identity", CPU), "d/two", crop, [5, 25], data_dir="", device=CPU
    )
    np.testing.assert_array_equal(found["noisy"], found["denoised"])
    assert found["clean"].shape == (16, 16) and found["noisy"].shape == (2, 16, 16)
    meta = json.loads(str(found["meta"]))
    assert (meta["dataset"], meta["image"]) == ("d", "two")


def test_filters(images, run_folder):
    crop = pictures.Crop(0, 0, 20)
    arguments = ("d/one", crop, [5, 25], [(0, 19), (10, 10)], 4)
    found = filters.evaluate(open_denoiser(run_folder("norm"), CPU), *arguments, data_dir="", device=CPU)
    assert found["filters"].shape == (2, 2, 9, 9)
    np.testing.assert_allclose(found["sums"], 1, atol=1e-5)
    # Three 3×3 layers see 7×7 pixels: the windows hold all of the filter, zeros outside the crop included.
    np.testing.assert_allclose(found["filters"].sum(axis=(2, 3)), found["sums"], atol=1e-5)
    assert not found["filters"][:, 0, :4].any() and not found["filters"][:, 0, :, 5:].any()


@pytest.mark.parametrize(
    ("crop", "pixel", "message"),
    [((10, 0, 20), (1, 1), "leaves the image"), ((0, 0, 20), (20, 1), "outside the crop")],
)
def test_filters_refuse_what_is_outside(images, run_folder, crop, pixel, message):
    denoiser = open_denoiser(run_folder("norm"), CPU)
    with pytest.raises(NormeqError, match=message):
        filters.evaluate(denoiser, "d/one", pictures.Crop(*crop), [5], [pixel], 2, data_dir="", device=CPU)


def test_filters_need_a_differentiable_denoiser(images, own):
    with pytest.raises(NormeqError, match="denoiser same: adaptive filters need a PyTorch module"):
        filters.evaluate(
            open_denoiser(f"same={own}:identity", CPU),
            "d/one",
            pictures.Crop(0, 0, 9),
            [5],
            [(1, 1)],
            2,
            data_dir="",
            device=CPU,
        )


def test_a_users_module(own):
    denoiser = open_denoiser(f"net={own}:net", CPU)
    assert denoiser.differentiable and denoiser(torch.ones(1, 1, 2, 2), 0.1).sum() == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine={own}:nothing", "denoiser mine: cannot load"),
        ("mine=/no/such/file.py:f", "denoiser mine: cannot load"),
        ("mine=no_such_module:f", "denoiser mine: cannot load"),
        ("mine=only", "write NAME=module:callable"),
        ("no/such/run", "no such file; train the network first"),
    ],
)
def test_denoisers_that_cannot_be_opened(own, text, message):
    with pytest.raises(NormeqError, match=message):
        open_denoiser(text.format(own=own), CPU)


def test_wrong_shape_from_a_users_function(own):
    with pytest.raises(
        NormeqError, match=r"denoiser bad: returned shape \(3, 4\) for an image of shape \(4, 4\)"
    ):
        open_denoiser(f"bad={own}:crooked", CPU)(torch.zeros(1, 1, 4, 4), 0.1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return noisy * np.nan", "its output at σ = 25, on d/one is not finite"),
        ("raise ValueError('no luck')", "fails at σ = 25, on d/one (ValueError: no luck)"),
        ("return 'text'", "not an array of real numbers"),
        ("return noisy + 1j", "complex64, not an array of real numbers"),
        ("raise SystemExit(0)", "it left the program with 0"),
    ],
)
def test_a_users_denoiser_that_fails_is_named(tmp_path, images, body, words):
    file = tmp_path / "bad.py"
    file.write_text(f"import numpy as np\n\n\ndef bad(noisy, sigma):\n    {body}\n")
    with pytest.raises(NormeqError, match="denoiser bad") as caught:
        list(noise_levels.evaluate(open_denoiser(f"bad={file}:bad", CPU), ["d"], [25], 1, device=CPU))
    assert words in str(caught.value)


@pytest.mark.parametrize("body", ["raise ValueError", "import sys; sys.exit(0)", "f = 3"])
def test_a_file_that_cannot_be_imported_or_has_no_function_is_named(tmp_path, body):
    (tmp_path / "bad.py").write_text(body)
    with pytest.raises(NormeqError, match="denoiser bad: .*bad.py:f"):
        open_denoiser(f"bad={tmp_path / 'bad.py'}:f", CPU)


def test_a_network_of_ours_whose_output_is_not_finite_is_named(images, run_folder):
    opened = open_denoiser(str(run_folder("norm")), CPU)
    with torch.no_grad():
        next(opened.function.parameters()).fill_(float("nan"))
    with pytest.raises(NormeqError, match="norm: its output at σ = 5, on d/one is not finite"):
        list(noise_levels.evaluate(opened, ["d"], [5], 1, device=CPU))


def test_tables_round_trip(tmp_path, images, own):
    denoiser = open_denoiser(f"same={own}:identity", CPU)
    for level in (50, 5, 25):
        rows = noise_levels.evaluate(denoiser, ["d"], [level], 1, device=CPU)
        tables.write_rows(tmp_path / f"{level}.csv", noise_levels.COLUMNS, rows)
    parts = [tmp_path / f"{level}.csv" for level in (50, 5, 25)]
    assert tables.collect(parts, tmp_path / "all.csv") == 6
    with open(tmp_path / "all.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["image"], row["sigma"]) for row in rows] == [
        (image, sigma) for image in ("one", "two") for sigma in ("5", "25", "50")
    ]
    part = {tuple(sorted(row.items())) for p in parts for row in csv.DictReader(p.read_text().splitlines())}
    assert part == {tuple(sorted(row.items())) for row in rows}


def test_collect_refuses_double_measurements_and_other_columns(tmp_path, images, own):
    denoiser = open_denoiser(f"same={own}:identity", CPU)
    part = tmp_path / "a.csv"
    tables.write_rows(part, noise_levels.COLUMNS, noise_levels.evaluate(denoiser, ["d"], [5], 1, device=CPU))
    with pytest.raises(NormeqError, match="same measurement stands in two parts .network=same"):
        tables.collect([part, part], tmp_path / "all.csv")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    with pytest.raises(NormeqError, match="b.csv: other columns than"):
        tables.collect([part, tmp_path / "b.csv"], tmp_path / "all.csv")
    with pytest.raises(NormeqError, match="c.csv: no such file"):
        tables.collect([tmp_path / "c.csv"], tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()
