"""What networks take and refuse: the same for every architecture, variant and form."""

import numpy as np
import pytest
import torch

from normeq.equivariance.defect import defect
from normeq.errors import NormeqError
from normeq.nn import ARCHITECTURES, VARIANTS, FoldedForInference, build_network, fold
from normeq.nn.inputs import check_output

SMALL = {
    "fdncnn": {"depth": 4, "channels": 4},
    "drunet": {"widths": (4, 4, 4, 4), "blocks": 1},
    "dncnn": {"depth": 4, "channels": 4},
}
FORMS = {"plain": lambda net: net, "folded": fold, "for inference": FoldedForInference}


def cases():
    for architecture in SMALL:
        for variant in VARIANTS:
            for noise_map in (False, True):
                try:
                    with torch.device("meta"):
                        network(architecture, variant, noise_map=noise_map)
                except NormeqError:  # no such variant, or no such option
                    continue
                for form in FORMS:
                    yield architecture, variant, noise_map, form


def network(architecture, variant, *, noise_map=False, **options):
    if noise_map:
        options["noise_map"] = True
    return build_network(architecture, variant, **SMALL[architecture], **options).eval()


def made(architecture, variant, noise_map, form, dtype=torch.float32, **options):
    torch.manual_seed(0)
    return FORMS[form](network(architecture, variant, noise_map=noise_map, **options).to(dtype))


CASES = list(cases())
everywhere = pytest.mark.parametrize(("architecture", "variant", "noise_map", "form"), CASES)


@everywhere
@pytest.mark.parametrize("grad", [False, True])
def test_one_image_is_a_batch_of_one(architecture, variant, noise_map, form, grad):
    """(C, H, W), gray and of several channels; norm split the height in place of the channels."""
    for channels in (1, 3):
        net = made(architecture, variant, noise_map, form, image_channels=channels)
        y = torch.rand(2, channels, 9, 12)
        with torch.set_grad_enabled(grad):
            for image in y:
                found, expected = net(image, 0.1), net(image[None], 0.1)[0]
                assert found.shape == image.shape
                assert torch.equal(found, expected)
        assert net(y, torch.tensor([0.1, 0.2])).shape == y.shape


REFUSED = {
    "two axes": (torch.zeros(8, 8), r"expected images of shape \(N, 1, H, W\), or one of shape \(1, H, W\)"),
    "five axes": (torch.zeros(1, 1, 8, 8, 8), r"images of shape \(N, 1, H, W\).*got \(1, 1, 8, 8, 8\)"),
    "a stack": (torch.zeros(2, 8, 8), r"expected images of shape .*got \(2, 8, 8\)"),
    "colour": (torch.zeros(2, 3, 8, 8), r"expected images of shape .*got \(2, 3, 8, 8\)"),
    "channels last": (torch.zeros(2, 8, 8, 1), r"expected images of shape .*got \(2, 8, 8, 1\)"),
    "no pixels": (torch.zeros(1, 1, 0, 8), "at least one pixel"),
    "8-bit": (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), r"got uint8: .*y.float\(\) / 255"),
    "integers": (torch.zeros(1, 1, 8, 8, dtype=torch.int64), "floating-point numbers, got int64"),
    "yes or no": (torch.zeros(1, 1, 8, 8, dtype=torch.bool), "floating-point numbers, got bool"),
    "complex": (torch.zeros(1, 1, 8, 8, dtype=torch.complex64), "floating-point numbers, got complex64"),
    "float64": (
        torch.zeros(1, 1, 8, 8, dtype=torch.float64),
        r"the images are float64 and the network computes in float32: use y.to\(torch.float32\), or "
        r"network.to\(torch.float64\)",
    ),
    "half": (torch.zeros(1, 1, 8, 8).half(), "the images are float16 and the network computes in float32"),
    "array": (np.zeros((1, 1, 8, 8), np.float32), "takes a torch tensor, not a ndarray"),
    "nan": (torch.full((1, 1, 8, 8), torch.nan), "the images hold NaN or infinity"),
    "infinity": (torch.full((1, 8, 8), torch.inf), "the images hold NaN or infinity"),
    "elsewhere": (torch.zeros(1, 1, 8, 8, device="meta"), "the images are on meta and the network on cpu"),
}  # fmt: skip


@everywhere
def test_what_is_no_image_is_refused_in_one_line(architecture, variant, noise_map, form):
    net = made(architecture, variant, noise_map, form)
    for y, message in REFUSED.values():
        for grad in (False, True):
            with torch.set_grad_enabled(grad), pytest.raises(NormeqError, match=message) as error:
                net(y, 0.1)
            assert "\n" not in str(error.value)


@pytest.mark.parametrize("variant", VARIANTS)
def test_autocast_mixes_formats_and_double_networks_take_doubles(variant):
    net = network("fdncnn", variant)
    with torch.autocast("cpu", torch.bfloat16):
        assert net(torch.rand(1, 8, 8)).shape == (1, 8, 8)
        assert net(torch.rand(1, 8, 8).bfloat16()).shape == (1, 8, 8)
        with pytest.raises(NormeqError, match="float64"):
            net(torch.rand(1, 8, 8).double())
    assert net.double()(torch.rand(1, 8, 8).double()).dtype == torch.float64


@everywhere
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1)])
def test_images_one_pixel_wide(architecture, variant, noise_map, form, size):
    """As a wider image that repeats the pixel where the network mirrors (norm); equivariant there too."""
    net = made(architecture, variant, noise_map, form, torch.float64)
    y = torch.rand(2, 1, *size, dtype=torch.float64)
    assert net(y, 0.1).shape == y.shape
    if variant in ("norm", "wrapped", "invariant"):
        assert defect(net, y, 40.0, 10.0, sigma=0.1).relative < 1e-9


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("transposed", [False, True])
def test_one_row_is_filtered_as_if_repeated(form, transposed):
    """A wide image of equal rows mirrors into equal rows, as one row does: they must agree."""
    net = made("fdncnn", "norm", False, form, torch.float64)
    row = torch.rand(1, 1, 1, 7, dtype=torch.float64)
    rows = row.expand(1, 1, 4, 7)
    if transposed:
        row, rows = row.mT, rows.mT
    with torch.set_grad_enabled(form == "plain"):
        torch.testing.assert_close(net(row).expand_as(rows), net(rows))


NO_NUMBERS = {
    "a str": "25",
    "a list": ["25"],
    "a dict": {"sigma": 25},
    "a complex": 25j,
    "a tensor of complex64": torch.tensor(25j),
    "a object": object(),
}


@everywhere
def test_noise_levels_that_are_no_numbers(architecture, variant, noise_map, form):
    net = made(architecture, variant, noise_map, form)
    for what, sigma in NO_NUMBERS.items():
        message = f"sigma must be a real number, or a tensor of them, not {what}$"
        with pytest.raises(NormeqError, match=message):
            net(torch.rand(2, 1, 8, 8), sigma)


@everywhere
def test_noise_levels_of_any_type(architecture, variant, noise_map, form):
    net, y = made(architecture, variant, noise_map, form), torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        expected = net(y, torch.tensor([0.25, 0.5]))
        for sigma in ([0.25, 0.5], (0.25, 0.5), np.array([0.25, 0.5])):
            assert torch.equal(net(y, sigma), expected)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 1)])
def test_an_empty_batch_gives_an_empty_batch(architecture, size):
    options = {"widths": (4, 4), "blocks": 1} if architecture == "drunet" else {"depth": 3, "channels": 4}
    for variant in VARIANTS:
        try:
            net = build_network(architecture, variant, **options)
        except NormeqError:  # it has no such variant
            continue
        for each in (net.eval(), fold(net)):
            found = each(torch.rand(0, 1, *size), 0.1)
            assert found.shape == (0, 1, *size)


@pytest.mark.parametrize(
    ("sigma", "message"),
    [
        (None, "give sigma"),
        (-1, "not negative, got -1"),
        (torch.nan, "finite"),
        (torch.inf, "finite"),
        (torch.tensor([0.1, -0.2]), "not negative"),
        (torch.ones(3), r"one per image \(2,\), or one per pixel \(2, 1, 8, 8\); got \(3,\)"),
        (torch.ones(2, 1, 8, 7), r"one per pixel \(2, 1, 8, 8\); got \(2, 1, 8, 7\)"),
    ],
)
@pytest.mark.parametrize("variant", VARIANTS)
def test_noise_levels_that_are_none(variant, sigma, message):
    with pytest.raises(NormeqError, match=message):
        network("fdncnn", variant, noise_map=True)(torch.rand(2, 1, 8, 8), sigma)


@pytest.mark.parametrize("noise_map", [False, True])
@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e20, 1e30, 3e37])
def test_wrapper_neither_underflows_nor_overflows(noise_map, scale):
    """Its square did in float32: 27.9 and 2.0 dB in place of 40."""
    net = made("fdncnn", "wrapped", noise_map, "plain")
    y = torch.rand(2, 1, 12, 14)
    sigma = 0.1 * scale if noise_map else None
    torch.testing.assert_close(net(scale * y, sigma) / scale, net(y, 0.1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_wrapper_changes_no_digit_where_it_was_right(dtype):
    net = made("fdncnn", "wrapped", True, "plain").to(dtype)

    def plain(y, sigma):
        mean = y.mean(dim=(1, 2, 3), keepdim=True)
        centred = y - mean
        std = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return std * net.network(centred / std, sigma / std.flatten()) + mean

    for scale, shift in ((1, 0), (0.01, 3), (255, -100), (1e4, 0)):
        y = (scale * torch.rand(3, 1, 9, 8) + shift).to(dtype)
        assert torch.equal(net(y, 0.1 * scale), plain(y, 0.1 * scale))


def test_black_images_are_fixed_points_of_the_wrapper():
    net = made("fdncnn", "wrapped", True, "plain")
    assert torch.equal(net(torch.zeros(1, 1, 4, 5), 25.0), torch.zeros(1, 1, 4, 5))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ((torch.zeros(1, 1, 4, 4), 1), "returned a tuple, not one image"),
        ([torch.zeros(1, 1, 4, 4)], "returned a list, not one image"),
        (None, "returned None"),
        (torch.zeros(1, 1, 4, 5), r"returned shape \(1, 1, 4, 5\) for images of shape \(1, 1, 4, 4\)"),
        (torch.zeros(1, 1, 4, 4, dtype=torch.complex64), "complex64"),
    ],
)
def test_what_is_no_image_for_each_image(output, message):
    with pytest.raises(NormeqError, match=message):
        check_output(output, torch.zeros(1, 1, 4, 4), "denoiser x")
