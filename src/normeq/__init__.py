"""normeq: normalization-equivariant denoising, reproduced and benchmarked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from normeq.denoisers.foreign import import_weights
from normeq.denoisers.pretrained import load

if TYPE_CHECKING:
    from normeq.denoisers.denoise import denoise

__all__ = ["denoise", "import_weights", "load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "denoise":  # imports torch
        from normeq.denoisers.denoise import denoise

        return denoise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
