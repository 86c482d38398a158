"""Settings of PyTorch that decide how it rounds: changed for a while, and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 in matrix products and convolutions (PyTorch allows it in the latter)."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


@contextmanager
def subnormals_as_zero() -> Iterator[None]:
    """Numbers too small for all their digits are 0 on a CPU, in this thread and those that it starts."""
    before = (torch.tensor([torch.finfo(torch.float32).tiny]) / 2).item() == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
