"""How many convolutions a network has."""

from __future__ import annotations

from normeq.errors import NormeqError

LEAST_DEPTH = 2  # a first and a last convolution; the depth of a run must be that of its network


def check_depth(depth: int) -> None:
    """Refuse a number of convolutions that a network cannot have.

    Raises:
        NormeqError: below 2.
    """
    if depth < LEAST_DEPTH:
        raise NormeqError(
            f"depth must be at least {LEAST_DEPTH} (a first and a last convolution), got {depth}"
        )
