"""torch.func and torch.compile on networks of every variant, against plain autograd."""

import pytest
import torch
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

from normeq.nn import VARIANTS, build_network

SMALL = {
    "fdncnn": {"depth": 3, "channels": 4},
    "drunet": {"widths": (4, 4), "blocks": 1},
}
NETWORKS = [(a, v) for a in SMALL for v in VARIANTS]
each = pytest.mark.parametrize(("architecture", "variant"), NETWORKS)


def network(architecture, variant, **options):
    torch.manual_seed(0)
    return build_network(architecture, variant, **SMALL[architecture], **options).double().eval()


def images(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def jacobian(function, y):
    return torch.autograd.functional.jacobian(function, y)


@each
@pytest.mark.parametrize("shape", [(1, 1, 3, 4), (1, 3, 4), (1, 1, 1, 4)])
def test_jacobians(architecture, variant, shape):
    net, y = network(architecture, variant), images(*shape)
    expected = jacobian(net, y)
    for found in (
        jacrev(net)(y),
        jacrev(net, chunk_size=2)(y),
        jacfwd(net)(y),
        torch.autograd.functional.jacobian(net, y, vectorize=True),
        torch.autograd.functional.jacobian(net, y, vectorize=True, strategy="forward-mode"),
    ):
        torch.testing.assert_close(found, expected)
    tangent = images(*shape) + 0.3
    axes = len(shape)
    along = torch.tensordot(expected, tangent, dims=axes)
    torch.testing.assert_close(jvp(net, (y,), (tangent,))[1], along)
    across = torch.tensordot(tangent, expected, dims=axes)
    torch.testing.assert_close(vjp(net, y)[1](tangent)[0], across)


@each
def test_second_derivatives(architecture, variant):
    net, y = network(architecture, variant), images(1, 1, 3, 3)

    def loss(x):
        return net(x).square().sum()

    expected = torch.autograd.functional.hessian(loss, y)
    for outer, inner in ((jacfwd, jacrev), (jacrev, jacrev), (jacrev, jacfwd), (jacfwd, jacfwd)):
        torch.testing.assert_close(outer(inner(loss))(y), expected)
    torch.testing.assert_close(hessian(loss)(y), expected)


@each
def test_vmap_with_and_without_gradients(architecture, variant):
    net, y = network(architecture, variant, noise_map=True), images(3, 1, 1, 4, 5)
    sigmas = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)

    def loss(x, sigma):
        return net(x, sigma).pow(3).sum()

    expected = torch.stack([net(x, s) for x, s in zip(y, sigmas, strict=True)])
    slopes = torch.stack([jacobian(lambda x, s=s: loss(x, s), x) for x, s in zip(y, sigmas, strict=True)])
    torch.testing.assert_close(vmap(net)(y, sigmas), expected)
    torch.testing.assert_close(vmap(net)(y[:, 0], sigmas), expected[:, 0])
    torch.testing.assert_close(vmap(net, in_dims=(2, 0))(y.movedim(0, 2), sigmas), expected)
    with torch.no_grad():
        torch.testing.assert_close(vmap(net)(y, sigmas), expected)
    torch.testing.assert_close(vmap(grad(loss))(y, sigmas), slopes)
    torch.testing.assert_close(grad(lambda x: vmap(loss)(x, sigmas).sum())(y), slopes)
    leaf = y.clone().requires_grad_()
    torch.testing.assert_close(torch.autograd.grad(vmap(loss)(leaf, sigmas).sum(), leaf)[0], slopes)


@each
def test_gradients_of_each_example(architecture, variant):
    """The usual use of vmap: one gradient of the weights per image."""
    net, y = network(architecture, variant), images(3, 1, 4, 5)
    weights = dict(net.named_parameters())

    def loss(w, x):
        return functional_call(net, w, (x,)).square().sum()

    found = vmap(grad(loss), in_dims=(None, 0))(weights, y)
    for number, x in enumerate(y):
        expected = torch.autograd.grad(loss(weights, x), list(weights.values()))
        for name, slope in zip(weights, expected, strict=True):
            torch.testing.assert_close(found[name][number], slope)


@each
def test_gradcheck(architecture, variant):
    net, y = network(architecture, variant), images(1, 1, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(
        net, (y,), check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True
    )
    assert torch.autograd.gradgradcheck(net, (y,))


@each
def test_compiled(architecture, variant):
    """In one graph, gradients included; without code generation, which needs a compiler."""
    torch.compiler.reset()  # what other tests compiled counts towards its limit
    net, y = network(architecture, variant, noise_map=True), images(2, 1, 5, 6)
    weight = images(2, 1, 5, 6)
    results = []
    for run in (net, torch.compile(net, backend="aot_eager", fullgraph=True)):
        x = y.clone().requires_grad_()
        output = run(x, 0.1)
        results.append([output, *torch.autograd.grad((output * weight).sum(), [x, *net.parameters()])])
    for found, expected in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(found, expected)
