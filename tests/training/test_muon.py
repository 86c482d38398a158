"""Muon: steps with a flat spectrum, indifferent to orthogonal changes of basis."""

import pytest
import torch

from normeq.nn import build_network
from normeq.training.muon import Muon, orthogonalize
from normeq.training.optimizers import build_optimizers
from normeq.training.spec import Recipe


def random_rotation(n):
    return torch.linalg.qr(torch.randn(n, n, dtype=torch.float64))[0]


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6)])
def test_singular_values_become_one_and_directions_stay(shape):
    torch.manual_seed(0)
    rank = min(shape)
    u, v = random_rotation(shape[0])[:, :rank], random_rotation(shape[1])[:, :rank]
    spectrum = torch.logspace(0, -2, rank, dtype=torch.float64)
    found = orthogonalize((u * spectrum @ v.T)[None])[0]
    core = u.T @ found @ v
    assert core.diagonal().min() > 0.6 and core.diagonal().max() < 1.3
    torch.testing.assert_close(core, torch.diag(core.diagonal()), rtol=0, atol=1e-8)
    torch.testing.assert_close(u @ core @ v.T, found, rtol=0, atol=1e-8)  # nothing outside


def test_zero_stays_zero():
    assert not orthogonalize(torch.zeros(2, 3, 5)).any()


@pytest.mark.parametrize("exponent", [-110, -83, -60, -39, 0, 39, 60, 83, 120])
def test_the_size_of_a_gradient_does_not_matter(exponent):
    torch.manual_seed(0)
    g = torch.randn(2, 8, 16)
    both = torch.stack([g[0] * 2.0**exponent, g[1]])  # each has a size of its own
    assert torch.equal(orthogonalize(both), orthogonalize(g))
    assert torch.equal(orthogonalize(both.mT), orthogonalize(g.mT))


def test_tiny_and_huge_gradients_make_steps_like_others():
    torch.manual_seed(0)
    start, gradient = torch.randn(8, 16), torch.randn(8, 16)
    ends = []
    for size in (1.0, 1e-25, 1e-38, 1e25, 1e37):
        w = start.clone().requires_grad_()
        optimizer = Muon([w], lr=0.1)
        w.grad = gradient * size
        optimizer.step()
        ends.append(w.detach())
    for end in ends[1:]:
        torch.testing.assert_close(end, ends[0], rtol=0, atol=1e-4)


def test_a_closure_is_called_with_gradients_and_its_loss_comes_back():
    w = torch.ones(2, 3, requires_grad=True)
    optimizer = Muon([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 6
    assert (w < 1).all()


def test_equals_the_iteration_written_out():
    """The product of polynomials of the Gram matrix against Newton-Schulz steps on the matrix itself."""
    torch.manual_seed(1)
    g = torch.randn(3, 8, 20, dtype=torch.float64)
    x = g / g.norm(dim=(1, 2), keepdim=True)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    torch.testing.assert_close(orthogonalize(g), x)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_orthogonal_changes_of_basis_go_unnoticed(layout):
    """Training q·w·r with Muon gives q·(what training w gives)·r."""
    torch.manual_seed(2)
    q, r = random_rotation(8), random_rotation(10 * 9)
    start = torch.randn(8, 10, 3, 3, dtype=torch.float64)
    gradients = torch.randn(5, 8, 10, 3, 3, dtype=torch.float64)

    def there(kernel):
        return (q @ kernel.flatten(1) @ r).view_as(kernel)

    def train(start, gradients):
        w = start.clone().contiguous(memory_format=layout).requires_grad_()
        optimizer = Muon([w], lr=0.1)
        for gradient in gradients:
            w.grad = gradient.contiguous(memory_format=layout)
            optimizer.step()
        return w.detach()

    moved = train(there(start), [there(g) for g in gradients])
    torch.testing.assert_close(moved, there(train(start, gradients)))
    assert (train(start, gradients) - start).abs().max() > 0.01


@pytest.mark.parametrize("variant", ["ordinary", "norm"])
@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_every_parameter_has_one_optimiser(variant, optimizer):
    network = build_network("drunet", variant, widths=(8, 8, 16, 16), blocks=1)
    optimizers = build_optimizers(network, Recipe(steps=1, optimizer=optimizer, lr=0.3, lr_rest=0.1))
    groups = [group for o in optimizers for group in o.param_groups]
    members = [id(p) for group in groups for p in group["params"]]
    assert sorted(members) == sorted(id(p) for p in network.parameters())
    for group in groups:
        hidden = (
            optimizer == "adam" or isinstance(optimizers[0], Muon) and group is optimizers[0].param_groups[0]
        )
        assert group["peak"] == (0.3 if hidden else 0.1)
    if optimizer == "muon":
        rest = set(map(id, optimizers[1].param_groups[0]["params"]))
        assert {id(network.head.weight), id(network.tail.weight)} <= rest
        assert all(p.dim() == 4 for p in optimizers[0].param_groups[0]["params"])
