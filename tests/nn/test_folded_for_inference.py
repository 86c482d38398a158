"""A network that runs folded follows the network that it stands for."""

import copy

import pytest
import torch

from normeq.nn import AffineConv2d, FoldedForInference
from tests.nn.folding import network


def test_folded_for_inference_only():
    """Without gradients the folded network runs, with them the network itself; the arithmetic follows."""
    net = network("fdncnn", "norm").float()
    both = FoldedForInference(net)
    y = torch.randn(1, 1, 9, 10, requires_grad=True)
    (gradient,) = torch.autograd.grad(both(y).sum(), y)
    torch.testing.assert_close(gradient.sum().item(), 90.0, rtol=1e-4, atol=0)  # J^T 1 sums to that of J 1
    with torch.no_grad():
        torch.testing.assert_close(both(y), net(y), rtol=1e-4, atol=1e-5)
        x = torch.rand(1, 1, 9, 10, dtype=torch.float64)
        exact = both.double()
        torch.testing.assert_close(exact(3 * x - 7), 3 * exact(x) - 7, rtol=1e-12, atol=1e-12)
    assert set(both.state_dict()) == {f"network.{key}" for key in net.state_dict()}


def doubled(net):
    with torch.no_grad():
        net.layers[0].weight.mul_(2)


def loaded(net):
    net.load_state_dict({key: 2 * value for key, value in net.state_dict().items()})


def loaded_by_assignment(net):
    net.load_state_dict({key: 2 * value for key, value in net.state_dict().items()}, assign=True)


def stepped(net):
    optimiser = torch.optim.Adam(net.parameters(), lr=0.1)
    with torch.enable_grad():
        net(torch.ones(1, 1, 8, 8, dtype=torch.float64).cumsum(-1)).square().sum().backward()
    optimiser.step()


def put_in_place(net):
    for _ in range(2):  # the second may lie where the first was
        net.layers[0].weight.data = net.layers[0].weight.data * 2


def another_parameter(net):
    for _ in range(2):
        net.layers[0].weight = torch.nn.Parameter(net.layers[0].weight.detach() * 2)


def another_layer(net):
    net.layers[-1] = AffineConv2d(6, 1, 3, padding=1, sorted_input=True).double().eval()


def hooked(net):
    net.layers[-1].register_forward_hook(lambda module, given, output: output + 1)


@pytest.mark.parametrize(
    "change",
    [doubled, loaded, loaded_by_assignment, stepped, put_in_place, another_parameter, another_layer, hooked],
)
def test_folded_for_inference_follows_its_network(change):
    net = network("fdncnn", "norm")
    both = FoldedForInference(net)
    y = torch.randn(1, 1, 9, 10, dtype=torch.float64)
    with torch.no_grad():
        before = both(y)
        folded = both._folded
        both(y)
        assert both._folded is folded  # nothing changed, nothing is folded again
        change(net)
        torch.testing.assert_close(both(y), net(y), rtol=1e-10, atol=1e-10)
        assert not torch.allclose(both(y), before)


def test_folded_for_inference_follows_buffers_and_mode():
    net = network("dncnn", "ordinary")
    both = FoldedForInference(net)
    y = torch.randn(1, 1, 9, 10, dtype=torch.float64)
    with torch.no_grad():
        both(y)
        net.layers[3].running_var.mul_(4)
        torch.testing.assert_close(both(y), net(y), rtol=1e-10, atol=1e-10)
        net.train()
        with pytest.raises(ValueError, match="evaluation mode"):
            both(y)


def test_folded_for_inference_forgets_at_eval():
    """What PyTorch does not count is seen after eval()."""
    net = network("fdncnn", "norm")
    both = FoldedForInference(net)
    y = torch.randn(1, 1, 9, 10, dtype=torch.float64)
    with torch.no_grad():
        both(y)
        net.layers[0].weight.data.mul_(2)
        torch.testing.assert_close(both.eval()(y), net(y), rtol=1e-10, atol=1e-10)


def test_copies_and_files_hold_the_network_alone():
    both = FoldedForInference(network("fdncnn", "norm"))
    y = torch.randn(1, 1, 9, 10, dtype=torch.float64)
    with torch.no_grad():
        expected = both(y)
        copied = copy.deepcopy(both)
        assert copied._folded is None and both._folded is not None
        assert torch.equal(copied(y), expected)
        doubled(both.network)
        assert torch.equal(copied(y), expected)


def test_weights_without_a_count_of_changes():
    """Those made in inference mode: the network runs as it is."""
    with torch.inference_mode():
        both = FoldedForInference(network("fdncnn", "norm"))
        y = torch.randn(1, 1, 9, 10, dtype=torch.float64)
        both(y)
        both.network.layers[0].weight.mul_(2)
        torch.testing.assert_close(both(y), both.network(y), rtol=1e-10, atol=1e-10)


def test_functional_call_and_vmap_of_folded_for_inference():
    both = FoldedForInference(network("fdncnn", "norm"))
    y = torch.randn(2, 1, 9, 10, dtype=torch.float64)
    doubled = {key: 2 * value for key, value in both.state_dict().items()}
    with torch.no_grad():
        expected = both(y)
        torch.testing.assert_close(torch.vmap(both)(y[:, None])[:, 0], expected, rtol=1e-10, atol=1e-10)
        found = torch.func.functional_call(both, doubled, (y,))
        both.load_state_dict(doubled)
        torch.testing.assert_close(found, both.network(y), rtol=1e-10, atol=1e-10)
