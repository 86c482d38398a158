"""Functions whose equivariance is known, as a user would write them into a file."""

from pathlib import Path

OWN = """
import numpy as np
import torch
from scipy.ndimage import gaussian_filter

random = np.random.default_rng(0)

def blur(noisy, sigma): return gaussian_filter(noisy, 1.0)
def square(noisy, sigma): return noisy ** 2
def shrink(noisy, sigma): return np.sign(noisy) * np.maximum(np.abs(noisy) - sigma, 0)
def forgetful(noisy, sigma): return np.sign(noisy) * np.maximum(np.abs(noisy) - 0.1, 0)
def centred(noisy, sigma): return noisy - noisy.mean()
def single(noisy, sigma): return gaussian_filter(noisy.astype(np.float32), 1.0)
def dice(noisy, sigma): return noisy + random.normal(0, 0.5 * sigma, noisy.shape)
def clipped(noisy, sigma): return np.clip(noisy, 0, 1)
def holes(noisy, sigma): return noisy / (noisy.min() < 1)
def empty(noisy, sigma): return noisy * np.nan
def broken(noisy, sigma): raise OSError("no licence\\nfound")
def inplace(noisy, sigma):
    noisy *= 0.5
    return noisy

def proud(noisy, sigma):
    if noisy.min() < -50:
        raise ValueError("negative\\nvalues")
    return noisy

net = torch.nn.Conv2d(1, 1, 3, padding=1)
"""


def write_own(folder: Path) -> Path:
    """The file with all of them."""
    path = folder / "mine.py"
    path.write_text(OWN)
    return path
