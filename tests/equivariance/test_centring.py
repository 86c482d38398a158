"""Far from zero: what f(y - m) + m keeps, that nothing else changes, and that measurements say so."""

import csv
import math

import numpy as np
import pytest
import torch
from skimage.io import imsave

import normeq
from normeq.denoisers.dtypes import DTYPES
from normeq.denoisers.open import open_denoiser
from normeq.equivariance.centring import Centred, denoise_centred, far_mean, is_far
from normeq.equivariance.changes import Change
from normeq.errors import NormeqError
from normeq.imaging.protocol import FAR
from normeq.nn import VARIANTS, build_network
from normeq.suite.measurements import heatmap, intervals
from normeq.suite.measuring.batches import Image
from normeq.suite.measuring.defects import certify
from normeq.suite.measuring.row_cache import MEAN_OUT, RowCache
from tests.synthetic_images import stand_for_data_sets
from tests.synthetic_networks import save_small

CPU = torch.device("cpu")
EXACT = [name for name, variant in VARIANTS.items() if variant.centred]
RNG = np.random.default_rng(0)
CLEAN = RNG.random((20, 24)).astype(np.float32)
Y = torch.from_numpy(CLEAN + 0.1 * RNG.standard_normal(CLEAN.shape).astype(np.float32))[None, None]


def network(variant, **options):
    torch.manual_seed(0)
    return build_network("fdncnn", variant, depth=6, channels=8, **options).eval().requires_grad_(False)


def psnr_to(a, b):
    return -10 * math.log10((a.double() - b.double()).square().mean().item())


def test_which_variants_are_centred():
    """Those that follow every change of range, but for the wrapper, which takes the mean out itself."""
    assert {"norm", "invariant"} == set(EXACT)


@pytest.mark.parametrize("variant", EXACT)
@pytest.mark.parametrize("noise_map", [False, True])
@pytest.mark.parametrize("ratio", [0, 1e3, 1e4, 1e5, 3e5])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_float64_images_lose_nothing_and_float32_images_what_their_format_cannot_hold(
    variant, noise_map, ratio, scale
):
    net = network(variant, noise_map=noise_map)
    sigma = 0.1 if noise_map else None
    expected = net.double()(Y.double(), sigma)
    net = Centred(net.float())
    level = None if sigma is None else scale * sigma
    for dtype in (torch.float64, torch.float32):
        there = (scale * Y.double() + scale * ratio).to(dtype)
        output = net(there, level)
        assert output.dtype == dtype
        back = (output.double() - scale * ratio) / scale
        format_error = 0 if dtype == torch.float64 else torch.finfo(dtype).eps * ratio
        assert (back - expected).abs().max() <= 4 * format_error + 1e-5


def test_what_is_lost_without():
    """The gain is real: without it the same network misses by as much as the noise."""
    net = network("norm")
    there = Y + 1e5
    expected = net.double()(Y.double())
    net = net.float()
    assert psnr_to(Centred(net)(there).double() - 1e5, expected) > 45
    assert psnr_to(net(there).double() - 1e5, expected) < 35


@pytest.mark.parametrize("variant", EXACT)
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (255, 0), (2, -1), (200, -100), (1, 10), (0.1, 0)])
def test_ordinary_ranges_keep_every_digit(variant, scale, shift):
    net, y = network(variant), scale * Y + shift
    assert torch.equal(Centred(net)(y), net(y))


def test_the_mean_by_hand():
    y = torch.stack([torch.full((1, 4, 4), 5.0), Y[0, :, :4, :4], Y[0, :, :4, :4] + 1e4])
    found = far_mean(y)
    assert found.dtype == torch.float64 and found.shape == (3, 1, 1, 1)
    torch.testing.assert_close(
        found.flatten(), torch.stack([y[0].double().mean(), torch.zeros(()).double(), y[2].double().mean()])
    )
    assert is_far(y) == [True, False, True]
    spread = torch.tensor([-1.0, 1.0]).view(1, 1, 1, 2)  # standard deviation 1
    assert is_far(spread + FAR) == [False]
    assert is_far(spread + FAR + 0.5) == [True]
    assert torch.equal(far_mean(y[2]), found[2])


@pytest.mark.parametrize("variant", EXACT)
def test_tiles_take_the_mean_of_the_whole_image(variant):
    """Far from the cut, the tile is the image to the digits of its format; with its own mean too, but not the
    same ones."""
    net, y = Centred(network(variant)), (Y + 3e4)
    whole, mean = net(y), far_mean(y)
    tile = net(y[..., :16], mean=mean)
    assert torch.equal(tile[..., :9], whole[..., :9])
    assert torch.equal(net(y, mean=float(mean)), whole)


@pytest.mark.parametrize("noise_map", [False, True])
@pytest.mark.parametrize("scale", [2.0**-900, 1e-300, 1e-60, 1e-36, 1e37, 1e60, 2.0**900])
@pytest.mark.parametrize("variant", EXACT)
def test_float64_images_beyond_the_ends_of_float32(variant, scale, noise_map):
    """Alone, far from zero, beside an image of an ordinary range, and of three axes."""
    net = network(variant, noise_map=noise_map)
    sizes = torch.tensor([scale, 1.0], dtype=torch.float64).view(2, 1, 1, 1)
    y = Y.double() * torch.tensor([1.0, 0.5], dtype=torch.float64).view(2, 1, 1, 1)
    sigma = torch.tensor([0.1, 0.2]).double() if noise_map else None
    expected = net.double()(y, sigma)
    net = Centred(net.float())
    level = sigma * sizes.flatten() if noise_map else None
    one, number = (level[:1], float(level[0])) if noise_map else (None, None)
    close = {"rtol": 0, "atol": 1e-5}
    torch.testing.assert_close(net(sizes * y, level) / sizes, expected, **close)
    torch.testing.assert_close(net(scale * y[:1], one) / scale, expected[:1], **close)
    torch.testing.assert_close(net(scale * y[0], number) / scale, expected[0], **close)
    torch.testing.assert_close(net(scale * y[:1] - 1e4 * scale, one) / scale + 1e4, expected[:1], **close)
    assert torch.equal(net(sizes * y, level)[1:], net(y[1:], level[1:] if noise_map else None))


def test_images_of_its_own_format_near_its_ends():
    net = network("norm")
    for scale in (2.0**-100, 2.0**125):
        assert torch.equal(Centred(net)(Y / 2 * scale) / scale, net(Y / 2))
    found = Centred(net.half())(1e6 * Y.double()) / 1e6
    assert psnr_to(found, net.float()(Y)) > 50


def test_it_says_of_itself_what_the_network_inside_says():
    assert Centred(network("norm")).normalization_equivariant is True
    assert Centred(network("ordinary")).normalization_equivariant is False
    assert Centred(torch.nn.Identity()).normalization_equivariant is False
    net = network("norm")
    image = Y[0, 0].numpy().astype(np.float64)
    found = normeq.denoise(image, Centred(net).eval())
    np.testing.assert_allclose(found, normeq.denoise(image, net), atol=1e-6)


def test_networks_refuse_through_it_what_they_refuse():
    net = Centred(network("norm"))
    assert net(Y[0]).shape == Y[0].shape
    assert torch.equal(net(Y[0] + 1e4), net(Y + 1e4)[0])
    for y in (
        torch.zeros(4, 4),
        torch.zeros(1, 1, 0, 4),
        torch.zeros(1, 1, 4, 4, dtype=torch.uint8),
        np.zeros((4, 4)),
        Y * torch.nan,
    ):
        with pytest.raises(NormeqError):
            net(y)


def test_a_function_is_given_what_is_left():
    seen = []

    def denoise(y, sigma):
        seen.append((y, sigma))
        return 2 * y

    y = Y.double() + 1e5
    output = denoise_centred(denoise, y, 0.3, dtype=torch.float32)
    ((given, sigma),) = seen
    assert given.dtype == torch.float32 and sigma == 0.3
    torch.testing.assert_close(given.double(), y - y.mean(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(output, 2 * (y - y.mean()) + y.mean())


@pytest.fixture
def data(tmp_path, monkeypatch):
    folder = tmp_path / "images"
    folder.mkdir()
    imsave(folder / "one.png", (CLEAN * 255).astype(np.uint8), check_contrast=False)
    flat = 128 + RNG.integers(0, 2, CLEAN.shape)
    imsave(folder / "two.png", flat.astype(np.uint8), check_contrast=False)
    stand_for_data_sets(monkeypatch, lambda name: sorted(folder.iterdir()))


@pytest.fixture
def opened(tmp_path):
    return {
        v: open_denoiser(str(save_small(tmp_path / v / "model.safetensors", v).parent), CPU) for v in VARIANTS
    }


GRID = ([0.01, 1.0], [0.0, 0.5, 100.0])


def table(path, rows):
    rows = list(rows)
    with open(path, "w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return rows


def test_the_heat_map_records_it_and_measures_those_rows_again(data, opened, tmp_path):
    for variant, denoiser in opened.items():
        before = [
            row | {"measured_by": "an older version", "psnr": -1.0}
            for row in heatmap.evaluate(denoiser, ["d"], 25, *GRID, 1, device=CPU)
        ]
        table(tmp_path / "before.csv", before)
        rows = list(
            heatmap.evaluate(
                denoiser, ["d"], 25, *GRID, 1, device=CPU, row_cache=RowCache([tmp_path / "before.csv"])
            )
        )
        again = {(float(r["scale"]), float(r["shift"])) for r in rows if float(r["psnr"]) != -1}
        # 0.01·y + 0.5 is 50 ± 0.3 of its unit, 1·y + 100 is 100 ± 0.3.
        assert again == ({(0.01, 0.5), (0.01, 100), (1, 100)} if variant in EXACT else set())
        for row in rows:
            assert row["measured_by"].endswith(MEAN_OUT) == (float(row["psnr"]) != -1)
        table(tmp_path / "after.csv", rows)
        row_cache = RowCache([tmp_path / "after.csv"])
        list(heatmap.evaluate(denoiser, ["d"], 25, *GRID, 1, device=CPU, row_cache=row_cache))
        assert row_cache.used == len(rows)


def test_the_heat_map_shows_the_gain(data, opened):
    for variant in EXACT:
        rows = list(heatmap.evaluate(opened[variant], ["d"], 25, [0.001, 1.0], [0.0, 100.0], 1, device=CPU))
        psnr = {(r["image"], r["scale"], r["shift"]): r["psnr"] for r in rows}
        for image in ("one", "two"):
            assert psnr[image, 0.001, 100.0] == pytest.approx(psnr[image, 1.0, 0.0], abs=0.15)


def test_intervals_record_it_by_image(data, opened):
    rows = list(intervals.evaluate(opened["norm"], ["d"], 2, [(0, 1), (10, 11)], 1, device=CPU))
    found = {(r["image"], r["a"]): r["measured_by"].endswith(MEAN_OUT) for r in rows}
    # "two" is nearly flat: on [10, 11] it is a thousand standard deviations from zero.
    assert found == {("one", 0): False, ("one", 10): False, ("two", 0): False, ("two", 10): True}


@pytest.mark.parametrize("variant", EXACT)
def test_the_certificate_shows_the_gain(opened, variant):
    grid = [
        Change("repeat", 1.0, 0.0),
        Change("joint", 1e-3, 100.0),
        Change("joint", 1.0, 1.0),
        Change("joint", 1e38, 1.0),
    ]
    image = Image("d", "one", CLEAN)
    exact, near, wide, over = certify(opened[variant], image, 25, grid, DTYPES["float32"], CPU)
    assert float(near["normalised"]) < 0.05  # the spacing of float32 numbers at 10⁵ is 0.008
    assert [r["measured_by"].endswith(MEAN_OUT) for r in (exact, near, wide)] == [False, True, False]
    assert over["error"] in ("", "the changed image is not finite in this arithmetic")


def test_images_that_leave_the_format_are_no_fault_of_the_denoiser(opened):
    grid = [Change("repeat", 1.0, 0.0), Change("scale", 1e6, 0.0)]
    for denoiser in opened.values():
        _, row = certify(denoiser, Image("d", "one", CLEAN), 25, grid, DTYPES["all-float16"], CPU)
        assert row["error"] == "the changed image is not finite in this arithmetic"


OWN = """
import numpy as np
import torch


def seen(y, sigma):
    assert abs(y.mean()) < 100 * y.std()
    return y


seen.normalization_equivariant = True


def silent(y, sigma):
    assert abs(y.mean()) > 100 * y.std()
    return y


def liar(y, sigma):
    return 0 * y


liar.normalization_equivariant = True


class Module(torch.nn.Module):
    normalization_equivariant = True

    def forward(self, y):
        assert abs(y.mean()) < 100 * y.std()
        return y


module = Module()
"""


def test_a_users_denoiser_is_centred_where_it_says_that_it_is_equivariant(tmp_path, data):
    (tmp_path / "own.py").write_text(OWN)

    def own(name):
        return open_denoiser(f"x={tmp_path}/own.py:{name}", CPU)

    for name in ("seen", "module", "silent"):
        denoiser = own(name)
        assert denoiser.centred == (name != "silent")
        y = Y + 1000
        assert torch.allclose(denoiser(y, 0.1), y)
    # The certificate puts the declaration to the test.
    grid = [Change("repeat", 1.0, 0.0), Change("shift", 1.0, 1000.0)]
    _, row = certify(own("liar"), Image("d", "one", CLEAN), 25, grid, DTYPES["float32"], CPU)
    assert float(row["normalised"]) == pytest.approx(1000)
