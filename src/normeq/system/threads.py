"""How many CPU threads PyTorch computes with."""

from __future__ import annotations

from normeq.errors import NormeqError

MOST = 1024  # OpenMP crashes where it cannot start as many as it is told to


def use_threads(count: int) -> None:
    """Compute with so many threads; 0 leaves PyTorch's choice.

    Raises:
        NormeqError: more than any machine has use for.
    """
    import torch

    if count > MOST:
        raise NormeqError(f"--threads {count}: at most {MOST}")
    if count:
        torch.set_num_threads(count)
