"""normeq: normalization-equivariant denoising, reproduced and benchmarked."""

from normeq.denoisers.pretrained import load

__all__ = ["load"]
__version__ = "0.1.0"
