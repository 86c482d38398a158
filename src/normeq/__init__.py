"""normeq: normalization-equivariant denoising, reproduced and benchmarked."""

from normeq.denoisers.foreign import import_weights
from normeq.denoisers.pretrained import load

__all__ = ["import_weights", "load"]
__version__ = "0.1.0"
