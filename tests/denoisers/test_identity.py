"""Values that decide what a denoiser does: those that differ have other hashes."""

import numpy as np
import pytest
import torch

from normeq.denoisers.identity import Unknown, value_digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros((2, 1)), np.zeros((1, 2))),
        (torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)),
        ([1, [2]], [1, 2]),
        (lambda n, k=1: n * k, lambda n, k=2: n * k),
        ({"a": torch.ones(1)}, {"a": torch.zeros(1)}),
        (torch.nn.Conv2d(1, 1, 3, bias=False), torch.nn.Conv2d(1, 1, 3, bias=False)),
        (torch.nn.Dropout(0.1), torch.nn.Dropout(0.2)),
        (torch.nn.BatchNorm2d(1).half(), torch.nn.BatchNorm2d(1)),
    ],
)
def test_values_that_differ_have_other_hashes(one, other):
    assert value_digest(one) != value_digest(other)
    assert value_digest(one) == value_digest(one)


def test_every_place_of_a_module_counts():
    act, pool = torch.nn.ReLU(), torch.nn.MaxPool2d(2)
    chains = [torch.nn.Sequential(*parts) for parts in ((act, pool), (act, pool, act), (act, pool, pool))]
    assert len({value_digest(chain) for chain in chains}) == 3


def test_a_closure_an_instance_and_a_method_are_known_by_what_they_hold():
    class Scale:
        def __init__(self, k):
            self.k = k

        def __call__(self, n, s):
            return n * self.k

    def make(k):
        return lambda n, s: n * k

    for kind in (make, Scale, lambda k: Scale(k).__call__):
        assert value_digest(kind(0.5)) == value_digest(kind(0.5)) != value_digest(kind(0.25))
    with pytest.raises(Unknown, match="BufferedReader"), open(__file__, "rb") as file:
        value_digest(make(file))
