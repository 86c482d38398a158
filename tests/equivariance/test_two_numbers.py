"""The classes of equivariant functions of one and two numbers, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normeq.equivariance.two_numbers import SORT, Member, defect, from_values, member_of, random_member
from normeq.errors import NormeqError
from normeq.nn.sort import sort_pairs

numbers = st.floats(-100, 100)
points = arrays(np.float64, (5, 2), elements=numbers)
values = arrays(np.float64, 2, elements=st.floats(-5, 5))
scales = st.floats(1e-3, 1e3)


@given(values, values, points, scales, numbers)
def test_every_member_is_equivariant(at_01, at_10, x, scale, shift):
    member = from_values(at_01, at_10)
    size = scale * np.abs(x).max() + abs(shift) + 1e-300
    difference = member(scale * x + shift) - (scale * member(x) + shift)
    # Where scaling makes two almost equal numbers equal, the half plane is undecided and both maps agree.
    assert np.abs(difference).max() <= 1e-12 * size * (1 + np.abs([at_01, at_10]).max())


@given(values, values, numbers)
def test_continuous_and_fixed_on_the_diagonal(at_01, at_10, c):
    member = from_values(at_01, at_10)
    x = np.array([c, c])
    for matrix in (member.lower, member.upper):
        np.testing.assert_allclose(x @ matrix.T, x, atol=1e-12 * (1 + abs(c)) * 20)


def network(rng: np.random.Generator):
    """A deep equivariant function of two numbers that does not know the class: affine layers and sorting."""
    layers = [rng.standard_normal((6, 2)), *(rng.standard_normal((6, 6)) for _ in range(3))]
    layers = [w + (1 - w.sum(1, keepdims=True)) / w.shape[1] for w in [*layers, rng.standard_normal((2, 6))]]

    def function(x):
        for number, weights in enumerate(layers):
            x = x @ weights.T
            if number < len(layers) - 1:
                x = np.sort(x.reshape(*x.shape[:-1], 3, 2), axis=-1).reshape(x.shape)
        return x

    return function


@given(st.integers(0, 2**32 - 1), points)
def test_every_equivariant_function_of_two_numbers_is_a_member(seed, x):
    """Known at two points, known everywhere."""
    function = network(np.random.default_rng(seed))
    member = member_of(function)
    size = max(np.abs(member.lower).max(), np.abs(member.upper).max(), 1)
    np.testing.assert_allclose(function(x), member(x), rtol=0, atol=1e-9 * size * (1 + np.abs(x).max()))


@given(st.integers(0, 2**32 - 1), points)
def test_members_composed_are_members(seed, x):
    rng = np.random.default_rng(seed)
    f, g = random_member(rng), random_member(rng)
    both = member_of(lambda y: f(g(y)))
    size = np.abs(f.lower).max() + np.abs(f.upper).max() + np.abs(g.lower).max() + np.abs(g.upper).max()
    np.testing.assert_allclose(f(g(x)), both(x), rtol=0, atol=1e-11 * size**2 * (1 + np.abs(x).max()))


@given(points)
def test_sorting_is_a_member(x):
    np.testing.assert_array_equal(SORT(x), np.sort(x, axis=-1))
    sorted_by_the_layer = sort_pairs(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(SORT(x), sorted_by_the_layer, atol=1e-12)


def test_relu_is_no_member():
    relu = member_of(lambda x: np.maximum(x, 0))
    x = np.array([[-1.0, -2.0]])
    assert not np.allclose(relu(x), np.maximum(x, 0))


OTHERS = {
    "tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "leaky ReLU": lambda x: np.maximum(x, 0.1 * x),
    "absolute value": np.abs,
    "doubling": lambda x: 2 * x,
    "adding": lambda x: x + 1,
}


@given(arrays(np.float64, 5, elements=numbers), scales, numbers)
def test_the_identity_of_one_number_is_equivariant(x, scale, shift):
    x = np.append(x, 1.0)  # not all zero
    assert defect(lambda y: y, x, scale, shift) == 0


@pytest.mark.parametrize("name", OTHERS)
def test_no_other_function_of_one_number_is(name):
    x = np.linspace(-3, 3, 61)
    assert max(defect(OTHERS[name], x, *change) for change in [(2, 0), (1, 1), (0.5, -1)]) > 0.1


def test_rows_that_do_not_sum_to_1_are_refused():
    with pytest.raises(NormeqError, match="the rows of B must sum to 1"):
        Member(np.eye(2), np.array([[0.5, 0.6], [0.0, 1.0]]))
