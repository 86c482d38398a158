"""Measurements whose denoiser counts."""

import csv

import torch

from normeq.denoisers.open import open_denoiser
from normeq.imaging.protocol import PAPER
from normeq.suite.measurements import noise_levels
from normeq.suite.measuring import rows as tables
from normeq.suite.measuring.row_cache import RowCache

CPU = torch.device("cpu")
SIZES = {"one": (24, 30), "three": (30, 24), "two": (24, 30)}


def measure(own, out, sigmas, row_cache=(), protocol=PAPER, **settings):
    """Write a table; return the rows and the σ of every call of the denoiser."""
    calls = own.parent / "calls"
    calls.unlink(missing_ok=True)
    rows = noise_levels.evaluate(
        open_denoiser(f"mine={own}:denoise", CPU), ["d"], sigmas, settings.pop("draws", 1), device=CPU,
        protocol=protocol, row_cache=RowCache(row_cache), **settings,
    )  # fmt: skip
    tables.write_rows(out, noise_levels.COLUMNS, rows)
    with open(out, newline="") as handle:
        found = list(csv.DictReader(handle))
    return found, calls.read_text().split() if calls.exists() else []
