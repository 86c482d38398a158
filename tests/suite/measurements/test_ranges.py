"""Heat map, interval pictures, tuning: measurements on other ranges, of denoisers with known answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from skimage.io import imsave

from normeq.denoisers.open import Denoiser
from normeq.errors import NormeqError
from normeq.imaging.metrics import psnr
from normeq.imaging.noise import labelled_noise
from normeq.imaging.protocol import KAIR
from normeq.nn import build_network
from normeq.suite.measurements import heatmap, interval_pictures, intervals, tuning
from normeq.suite.measuring import batches, pictures
from normeq.suite.measuring import rows as tables
from normeq.suite.measuring.row_cache import RowCache
from tests.synthetic_images import stand_for_data_sets

CPU = torch.device("cpu")


def denoiser(function, variant="ordinary", train="25"):
    return Denoiser("net", variant, train, "0", "", function, True)


@pytest.fixture
def clean(tmp_path, monkeypatch):
    """Two images that stand for the data set ``d``; name -> (24, 30) float32."""
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        pixels = rng.integers(60, 190, (24, 30), dtype=np.uint8)
        imsave(tmp_path / f"{name}.png", pixels, check_contrast=False)
    stand_for_data_sets(monkeypatch, lambda name: [tmp_path / "one.png", tmp_path / "two.png"])
    return {name: image for _, name, image in batches.test_images(["d"], "")}


def test_the_heat_map_shows_the_denoiser_the_scaled_and_shifted_image(clean):
    seen = []

    def watch(y, sigma):
        seen.append((float(y.mean()), float(y.std()), sigma))
        return y

    rows = list(heatmap.evaluate(denoiser(watch), ["d"], 25, [0.5, 2], [-1, 0, 3], 1, device=CPU, limit=1))
    assert list(rows[0]) == heatmap.COLUMNS
    noisy = clean["one"] + labelled_noise((24, 30), 25, "d", "one", 0)
    grid = [(1, 0), (0.5, -1), (0.5, 0), (0.5, 3), (2, -1), (2, 0), (2, 3)]
    assert [(row["scale"], row["shift"]) for row in rows] == grid
    for (scale, shift), (mean, std, sigma), row in zip(grid, seen, rows, strict=True):
        assert mean == pytest.approx(scale * noisy.mean() + shift, rel=1e-5)
        assert std == pytest.approx(scale * noisy.std(ddof=1), rel=1e-5)
        assert sigma == pytest.approx(scale * 25 / 255)
        assert row["psnr"] == pytest.approx(psnr(noisy, clean["one"]), abs=1e-4)


def test_the_heat_map_of_the_middle(clean):
    def constant(y, sigma):
        assert y.shape[2:] == (8, 8)
        return y * 0 + 0.5

    (row, *_) = heatmap.evaluate(denoiser(constant), ["d"], 25, [1], [0], 1, size=8, device=CPU)
    assert row["psnr"] == pytest.approx(psnr(np.full((8, 8), 0.5), clean["one"][8:16, 11:19]), abs=1e-9)


@pytest.mark.parametrize("architecture", ["fdncnn", "drunet"])
def test_sigma_is_scaled_with_the_interval_for_a_noise_map_network(clean, architecture):
    options = {
        "fdncnn": {"depth": 4, "channels": 8},
        "drunet": {"widths": (4, 8), "blocks": 1},
    }[architecture]
    torch.manual_seed(0)
    network = build_network(architecture, "norm", noise_map=True, **options).eval().requires_grad_(False)
    rows = heatmap.evaluate(
        denoiser(network, "norm"), ["d"], 25, [0.1, 255], [-1, 0, 0.5], 1, device=CPU, limit=1
    )
    values = [row["psnr"] for row in rows]
    assert np.ptp(values) < 1e-3

    # The same network told the σ of [0,1] whatever the interval: then it does depend on it.
    def unscaled(y, sigma):
        return network(y, 25 / 255)

    rows = heatmap.evaluate(denoiser(unscaled, "norm"), ["d"], 25, [0.1, 255], [0], 1, device=CPU, limit=1)
    assert np.ptp([row["psnr"] for row in rows]) > 0.1


@pytest.mark.parametrize(
    ("variant", "train", "kinds"),
    [
        ("ordinary", "25", {"none": 1, "known": 1, "scale": 2, "shift": 3}),
        ("ordinary", "0-55", {"none": 1, "scale": 2, "shift": 3}),
        ("scale", "25", {"none": 1, "shift": 3}),
        ("norm", "25", {"none": 1}),
        ("wrapped", "25", {"none": 1}),
        ("other", "", {"none": 1, "scale": 2, "shift": 3}),
    ],
)
def test_only_what_is_not_equivariant_is_tuned(variant, train, kinds):
    tried = tuning.settings(denoiser(None, variant, train), 75, [0.5, 2], [-1, 0.3, 1])
    names = [kind for kind, _, _ in tried]
    assert {kind: names.count(kind) for kind in names} == kinds
    if "known" in kinds:
        assert ("known", 3.0, 0.0) in tried  # σ/σ_train, as in the authors' notebook


def test_tuning_is_what_the_notebook_does(clean):
    """λ·f(y/λ), f(y - μ) + μ, with an f that is equivariant to neither."""

    def f(y):
        return y.clamp(0.2, 0.6)

    rows = list(
        tuning.evaluate(denoiser(lambda y, sigma: f(y)), ["d"], [75], [2], [0.3], 1, device=CPU, limit=1)
    )
    assert list(rows[0]) == tuning.COLUMNS
    y = clean["one"] + labelled_noise((24, 30), 75, "d", "one", 0)
    y = torch.from_numpy(y)
    expected = {"none": f(y), "known": 3 * f(y / 3), "scale": 2 * f(y / 2), "shift": f(y - 0.3) + 0.3}
    assert {row["tuning"] for row in rows} == expected.keys()
    for row in rows:
        assert row["psnr"] == pytest.approx(psnr(expected[row["tuning"]], clean["one"]), abs=1e-4)


def test_pictures_on_every_interval(clean):
    def f(y, sigma):
        return y.clamp(0, 1)

    found = interval_pictures.evaluate(
        denoiser(f), "d/two", pictures.Crop(2, 3, 16), 25, [(0, 1), (10, 11)], data_dir="", device=CPU
    )
    noisy = (clean["two"] + labelled_noise((24, 30), 25, "d", "two", 0))[2:18, 3:19]
    np.testing.assert_array_equal(found["noisy"], noisy)
    np.testing.assert_allclose(found["denoised"][0], noisy.clip(0, 1), atol=1e-6)
    np.testing.assert_allclose(found["denoised"][1], -9, atol=1e-5)  # clamp(10…11) = 1, and back: 1 - 10
    assert found["psnr"][0] == pytest.approx(psnr(noisy, clean["two"][2:18, 3:19]), abs=1e-4)
    assert json.loads(str(found["meta"]))["crop"] == [2, 3, 16]


def test_pictures_on_intervals_of_the_images_own_range(clean):
    """The poster's T_{a,b}: lowest and highest value of the noisy image become a and b."""
    seen = []

    def f(y, sigma):
        seen.append((float(y.min()), float(y.max()), float(sigma)))
        return y

    found = interval_pictures.evaluate(
        denoiser(f),
        "d/two",
        pictures.Crop(2, 3, 16),
        25,
        [(0, 1), (10, 12)],
        "minmax",
        data_dir="",
        device=CPU,
    )
    noisy = clean["two"] + labelled_noise((24, 30), 25, "d", "two", 0)
    for (low, high, sigma), (a, b) in zip(seen, [(0, 1), (10, 12)], strict=True):
        assert (low, high) == pytest.approx((a, b), abs=1e-6)
        assert sigma == pytest.approx(25 / 255 * (b - a) / np.ptp(noisy), rel=1e-5)
    for picture in found["denoised"]:
        np.testing.assert_allclose(picture, noisy[2:18, 3:19].clip(0, 1), atol=1e-5)
    assert json.loads(str(found["meta"]))["normalise"] == "minmax"


@pytest.mark.parametrize("kind", [intervals, heatmap])
def test_each_image_of_a_batch_is_presented_by_its_own_range(clean, monkeypatch, kind):
    """The poster's T_{a,b} in the long tables: images of one batch differ in what goes to a and b."""
    monkeypatch.setattr("normeq.suite.measuring.stream.batch_pixels", lambda denoiser, device: 10**6)
    seen = []

    def f(y, sigma):
        seen.append((y.amin((1, 2, 3)), y.amax((1, 2, 3)), sigma.flatten()))
        return y

    ranges = ([(0, 1), (10, 12)],) if kind is intervals else ([2], [10])
    rows = list(kind.evaluate(denoiser(f), ["d"], 25, *ranges, 1, "minmax", device=CPU))
    extents = [np.ptp(x + labelled_noise((24, 30), 25, "d", name, 0)) for name, x in clean.items()]
    for (low, high, sigma), (a, b) in zip(seen, [(0, 1), (10, 12)], strict=True):
        assert low.tolist() == pytest.approx([a] * 2, abs=1e-6)
        assert high.tolist() == pytest.approx([b] * 2, abs=1e-6)
        assert sigma.tolist() == pytest.approx([25 / 255 * (b - a) / e for e in extents], rel=1e-5)
    for row in rows:
        noisy = clean[row["image"]] + labelled_noise((24, 30), 25, "d", row["image"], 0)
        assert row["normalise"] == "minmax"
        assert row["psnr"] == pytest.approx(psnr(noisy, clean[row["image"]]), abs=1e-4)


@pytest.mark.parametrize("scale", [0, -1, float("inf"), float("nan")])
def test_a_scale_must_be_positive(clean, scale):
    with pytest.raises(NormeqError, match="needs a positive scale"):
        next(heatmap.evaluate(denoiser(lambda y, s: y), ["d"], 25, [scale], [0], 1, device=CPU))


@pytest.mark.parametrize(
    ("kind", "settings", "more"),
    [
        (heatmap, (25, [0.5], [0, 3]), (25, [0.5], [0, 3, 4])),
        (tuning, ([75], [2], [0.3]), ([75], [2], [0.3, 0.4])),
    ],
)
def test_what_was_measured_before_is_taken_over(clean, tmp_path, kind, settings, more):
    calls = []

    def f(y, sigma):
        calls.append(sigma)
        return y.clamp(0.2, 0.6)

    own = Denoiser("net", "ordinary", "25", "0", "12345678", f, True)

    def measure(settings, out, **setup):
        calls.clear()
        rows = kind.evaluate(own, ["d"], *settings, 1, device=CPU, row_cache=RowCache([tmp_path]), **setup)
        tables.write_rows(tmp_path / out, kind.COLUMNS, rows)
        return len(calls)

    first = measure(settings, "a.csv")
    assert first > 0 and measure(settings, "b.csv") == 0
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    assert measure(more, "c.csv") == 2  # one more setting, two images
    assert measure(settings, "d.csv", size=8) == first  # of a part of the image nothing is known
    assert measure(settings, "e.csv", protocol=KAIR) == first


def test_a_range_is_judged_by_the_protocol(clean):
    rows = heatmap.evaluate(
        denoiser(lambda y, sigma: y * 0 + 0.503), ["d"], 25, [1], [0], 1, device=CPU, protocol=KAIR, limit=1
    )
    (row,) = rows
    assert row["protocol"] == "kair"
    assert row["psnr"] == pytest.approx(psnr(np.full((24, 30), 128 / 255), clean["one"]), abs=1e-5)


def test_a_failure_on_one_range_names_range_and_image(clean):
    def proud(y, sigma):
        return y if y.mean() < 2 else y * float("nan")

    with pytest.raises(NormeqError, match=r"at σ = 25, scale = 1.0, shift = 3.0, on d/one is not finite"):
        list(heatmap.evaluate(denoiser(proud), ["d"], 25, [1.0], [0.0, 3.0], 1, device=CPU))
