"""normeq: normalization-equivariant denoising, reproduced and benchmarked."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from normeq.denoisers.foreign import import_weights
from normeq.denoisers.pretrained import load

if TYPE_CHECKING:
    from normeq.conversion.convert import convert
    from normeq.denoisers.denoise import denoise
    from normeq.equivariance.certificate import certify
    from normeq.equivariance.filters import adaptive_filter
    from normeq.equivariance.interval import T
    from normeq.nn.folding import fold
    from normeq.nn.wrapper import wrap

__all__ = ["T", "adaptive_filter", "certify", "convert", "denoise", "fold", "import_weights", "load", "wrap"]
__version__ = "0.1.0"

# These import torch, which takes a second to start: when they are asked for.
_HOME = {
    "T": "normeq.equivariance.interval",
    "adaptive_filter": "normeq.equivariance.filters",
    "certify": "normeq.equivariance.certificate",
    "convert": "normeq.conversion.convert",
    "denoise": "normeq.denoisers.denoise",
    "fold": "normeq.nn.folding",
    "wrap": "normeq.nn.wrapper",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
