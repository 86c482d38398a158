"""Wilcoxon signed-rank tests over images, corrected for several noise levels by Holm's method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import wilcoxon


def signed_rank(differences: ArrayLike) -> float:
    """Two-sided p-value that differences (one per image) are symmetric about zero; 1 if all are zero."""
    data = np.asarray(differences, dtype=np.float64)
    return float(wilcoxon(data).pvalue) if data.any() else 1.0


def holm(p_values: Mapping[float, float]) -> dict[float, float]:
    """Adjust a family of p-values so that any false rejection is rare (Holm 1979).

    Args:
        p_values: name of the test (a noise level) -> p-value.

    Returns:
        The same names with adjusted p-values: the i-th smallest of m is multiplied by m - i + 1, is at least
        as large as every smaller one, and at most 1.
    """
    adjusted, running = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda key: p_values[key])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = running
    return {name: adjusted[name] for name in p_values}
