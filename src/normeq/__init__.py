"""normeq: normalization-equivariant denoising, reproduced and benchmarked."""

__version__ = "0.1.0"
