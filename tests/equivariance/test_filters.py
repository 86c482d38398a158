"""The adaptive filters explain all of an equivariant denoiser, and not all of an ordinary one."""

import pytest
import torch

from normeq.equivariance.filters import adaptive_filter, filter_defect
from normeq.errors import NormeqError
from normeq.nn import build_network

SIZES = {
    "fdncnn": {"depth": 4, "channels": 6},
    "drunet": {"widths": (4, 6), "blocks": 1},
}


@pytest.mark.parametrize("architecture", SIZES)
@pytest.mark.parametrize("variant", ["ordinary", "scale", "norm", "wrapped"])
def test_the_defect_is_that_of_the_whole_jacobian(architecture, variant):
    """Against every row of the Jacobian, taken one by one backwards."""
    torch.manual_seed(1)
    network = (
        build_network(architecture, variant, **SIZES[architecture]).double().eval().requires_grad_(False)
    )
    y = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    rows = torch.stack([adaptive_filter(network, y, r, c) for r in range(8) for c in range(8)])
    output = network(y).flatten()
    expected = (output - (rows * y[0]).sum((1, 2))).norm() / output.norm()
    found = filter_defect(network, y)
    assert found == pytest.approx(expected.item(), rel=1e-9, abs=1e-12)
    assert (found < 1e-12) == (variant != "ordinary")


def test_a_bias_is_what_the_filters_leave_out():
    y = torch.rand(1, 1, 4, 4)
    assert filter_defect(lambda x: 0 * x + 0.5, y) == 1
    assert filter_defect(lambda x: x / 3, y) == 0


def test_what_works_in_place_works_on_a_copy():
    y = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    before = y.clone()
    assert filter_defect(torch.nn.ReLU(inplace=True), y) == filter_defect(torch.relu, y) == 0
    assert filter_defect(lambda x: x.abs_().add_(1), y) == filter_defect(lambda x: x.abs() + 1, y) > 0
    assert torch.equal(adaptive_filter(torch.relu_, y, 1, 2), adaptive_filter(torch.relu, y, 1, 2))
    assert torch.equal(y, before)


def test_no_forward_derivative_is_one_line():
    class Plain(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 2

    with pytest.raises(NormeqError, match="no forward-mode derivative") as caught:
        filter_defect(Plain.apply, torch.rand(1, 1, 2, 2))
    assert "\n" not in str(caught.value)


def test_an_output_cut_off_from_the_input_is_not_taken_for_a_bias():
    with pytest.raises(NormeqError, match="cut off"):
        filter_defect(lambda y: y.detach() / 3, torch.rand(1, 1, 2, 2))


@pytest.mark.parametrize("mistake", [NotImplementedError("no forward"), RuntimeError("out of memory")])
def test_a_denoiser_that_fails_is_not_said_to_lack_a_derivative(mistake):
    def fail(y):
        raise mistake

    with pytest.raises(type(mistake), match=str(mistake)):
        filter_defect(fail, torch.rand(1, 1, 2, 2))
