"""All normalization-equivariant functions of one number, and of two.

Of one number only the identity: f(0) = f(2·0) = 2f(0), so f(0) = 0, and f(μ) = f(0 + μ) = f(0) + μ = μ. Of
two numbers f is linear on {x₁ ≤ x₂} and on {x₁ ≥ x₂}, with matrices A and B whose rows sum to 1: each half
plane is sent onto itself by x ↦ λx + μ, and all of it is reached from one point, (0, 1) or (1, 0). So two
values decide f, and sorting is the member with A = identity and B = exchange.

Source: Lemma 1 of Saied & Fleuret 2026, appendix C.1 (a function on R^d is decided by its values on the unit
sphere of the hyperplane orthogonal to 1; two points for d = 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normeq.errors import NormeqError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Member:
    """One function of the class NE(2).

    Attributes:
        lower, upper: A, on {x₁ ≤ x₂}, and B, on {x₁ ≥ x₂}; (2, 2), rows sum to 1.
    """

    lower: Array
    upper: Array

    def __post_init__(self) -> None:
        for name, matrix in (("A", self.lower), ("B", self.upper)):
            if matrix.shape != (2, 2) or not np.allclose(matrix.sum(axis=1), 1, rtol=0, atol=1e-9):
                raise NormeqError(f"the rows of {name} must sum to 1, two of them; got {matrix.tolist()}")

    def __call__(self, x: ArrayLike) -> Array:
        """f at each point; (..., 2) to (..., 2)."""
        x = np.asarray(x, dtype=np.float64)
        return np.where(x[..., :1] <= x[..., 1:], x @ self.lower.T, x @ self.upper.T)


def from_values(at_01: ArrayLike, at_10: ArrayLike) -> Member:
    """The only member with f(0, 1) = ``at_01`` and f(1, 0) = ``at_10``; any two values do."""
    right, left = np.asarray(at_01, dtype=np.float64), np.asarray(at_10, dtype=np.float64)
    return Member(np.stack([1 - right, right], axis=1), np.stack([left, 1 - left], axis=1))


def member_of(function: Callable[[Array], Array]) -> Member:
    """The member that agrees with ``function`` at (0, 1) and (1, 0): everywhere, if it is equivariant."""
    return from_values(function(np.array([0.0, 1.0])), function(np.array([1.0, 0.0])))


def random_member(rng: np.random.Generator) -> Member:
    """A member with standard normal values at (0, 1) and (1, 0)."""
    return from_values(rng.standard_normal(2), rng.standard_normal(2))


SORT = Member(np.eye(2), np.eye(2)[::-1])


def defect(function: Callable[[Array], Array], x: Array, scale: float, shift: float) -> float:
    """Largest |f(λx + μ) - (λf(x) + μ)| over the entries of ``x``, relative to the largest |λf(x) + μ|.

    Args:
        function: of numbers (any shape) or of points (..., 2), in float64.
        x: where.
        scale, shift: λ > 0 and μ.
    """
    expected = scale * function(x) + shift
    return float(np.abs(function(scale * x + shift) - expected).max() / np.abs(expected).max())
