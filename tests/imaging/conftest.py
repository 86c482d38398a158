"""Pixels that several tests write into files."""

import numpy as np
import pytest


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (9, 13), dtype=np.uint8)


@pytest.fixture
def colour() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (9, 13, 3), dtype=np.uint8)
