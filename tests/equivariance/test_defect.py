"""Measured defects, T_{a,b} and adaptive filters, on denoisers whose answers are known."""

import pytest
import torch
from scipy.ndimage import gaussian_filter

from normeq.equivariance.defect import defect
from normeq.equivariance.filters import adaptive_filter
from normeq.equivariance.ranges import in_interval
from normeq.errors import NormeqError
from normeq.nn import build_network

Y = torch.rand(1, 1, 12, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def blur(y):
    return torch.from_numpy(gaussian_filter(y.numpy(), (0, 0, 1, 1)))


def test_a_linear_blur_has_no_defect():
    assert defect(blur, Y, 40.0, 10.0).relative < 1e-13


def test_the_published_metric_of_a_known_defect():
    """f(y) = y² has f(λy) - λf(y) = (λ² - λ) y²."""
    found = defect(torch.square, Y, 3.0)
    square = Y.square()
    assert found.relative == pytest.approx(6 * square.norm().item() / (3 * square.norm().item() + 1e-6))
    assert found.absolute == pytest.approx(6 * square.max().item())
    assert found.normalised == pytest.approx(2 * square.max().item())


def test_sigma_is_scaled_with_the_image():
    def shrink(y, sigma):  # equivariant to scale only if sigma comes scaled
        return torch.where(y.abs() > sigma, y, 0)

    assert defect(shrink, Y, 5.0, sigma=0.3).relative < 1e-13
    assert defect(shrink, Y, 5.0, 1.0, sigma=0.3).relative > 0.01


def test_what_works_in_place_leaves_the_image_as_it_is():
    y = Y - 0.5
    before = y.clone()
    for scale, shift in ((1, 0), (3, 0), (1, 0.5)):
        assert defect(lambda x: x.clamp_(min=0), y, scale, shift) == defect(torch.relu, y, scale, shift)
        assert torch.equal(y, before)
    adaptive_filter(lambda x: x.clamp_(min=0), y, 2, 3)
    assert torch.equal(y, before)


@pytest.mark.parametrize("unit", [2.0**-700, 2.0**-20, 2.0**8, 2.0**900])
def test_the_metric_in_another_unit_is_that_of_the_image_in_this_unit(unit):
    def round_(y):
        return (y / unit * 10).round() / 10 * unit

    found, expected = (
        defect(round_, Y * unit, 3.0, 2 * unit, unit=unit),
        defect(lambda y: (y * 10).round() / 10, Y, 3.0, 2.0),
    )
    assert found.relative == expected.relative > 0.001


def test_scale_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        defect(blur, Y, 0.0)


@pytest.mark.parametrize(("a", "b"), [(0, 255), (-1, 1), (-0.5, 0.5), (0, 0.1), (-100, 100), (10, 11)])
def test_interval_does_not_matter_to_an_equivariant_denoiser(a, b):
    torch.testing.assert_close(in_interval(blur, a, b)(Y), blur(Y), rtol=0, atol=1e-12)


def test_interval_by_hand():
    there = []

    def spy(y, sigma):
        there.append((y.min().item(), y.max().item(), sigma))
        return y.square()

    y = torch.tensor([[0.0, 0.5, 1.0]])
    output = in_interval(spy, 10, 14)(y, 0.1)
    assert there == [(10, 14, pytest.approx(0.4))]
    torch.testing.assert_close(output, torch.tensor([[(100 - 10) / 4, (144 - 10) / 4, (196 - 10) / 4]]))


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1)])
def test_empty_interval(a, b):
    with pytest.raises(NormeqError, match="a must be smaller than b"):
        in_interval(blur, a, b)


def test_adaptive_filter_equals_finite_differences():
    torch.manual_seed(3)
    network = build_network("fdncnn", "norm", depth=3, channels=4).double()
    found = adaptive_filter(network, Y, 5, 6)
    step, expected = 1e-6, torch.zeros(12, 14, dtype=torch.float64)
    with torch.no_grad():
        for r in range(12):
            for c in range(14):
                moved = torch.zeros_like(Y)
                moved[0, 0, r, c] = step
                difference = network(Y + moved) - network(Y - moved)
                expected[r, c] = difference[0, 0, 5, 6] / (2 * step)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    assert found.sum().item() == pytest.approx(1)


def test_adaptive_filter_works_under_no_grad():
    with torch.no_grad():
        found = adaptive_filter(lambda y: 3 * y, Y, 0, 1)
    assert found[0, 1] == 3 and found.sum() == 3
