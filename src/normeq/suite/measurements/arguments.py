"""Arguments of evaluation commands, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from normeq.errors import NormeqError

if TYPE_CHECKING:
    import torch

    from normeq.denoisers.open import Denoiser


def open_on(text: str, device: str, threads: int) -> tuple[Denoiser, torch.device]:
    """Open a denoiser (see :func:`normeq.denoisers.open.open_denoiser`) on a device, and name that."""
    import torch

    from normeq.denoisers.open import open_denoiser
    from normeq.system.allocator import keep_freed_memory
    from normeq.system.provenance import pick_device

    if threads:
        torch.set_num_threads(threads)
    keep_freed_memory()
    where = pick_device(device)
    torch.backends.cudnn.allow_tf32 = False  # PyTorch allows it, and float32 should be float32
    return open_denoiser(text, where), where


def check_sigmas(sigmas: list[float]) -> list[float]:
    """Refuse noise levels that are not positive, finite numbers (8-bit units)."""
    for sigma in sigmas:
        if not 0 < sigma < float("inf"):
            raise NormeqError(f"sigma must be above 0 (8-bit units), got {sigma:g}")
    return sorted(set(sigmas))


def parse_numbers(text: str, count: int, what: str, kind: Callable = int) -> tuple:
    """Read ``count`` comma-separated numbers.

    Raises:
        NormeqError: another count, or not numbers.
    """
    try:
        numbers = tuple(kind(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        raise NormeqError(f"{what}: expected {count} numbers separated by commas, got {text!r}")
    return numbers
