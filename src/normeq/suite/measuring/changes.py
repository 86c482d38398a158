"""The changes of range of the published metric, and the columns of the table of a certificate."""

from __future__ import annotations

import hashlib

import numpy as np

from normeq.equivariance.changes import Change

COLUMNS = (
    "network,variant,train_sigma,seed,dataset,image,sigma,size,kind,scale,shift,dtype,device,"
    "relative,normalised,absolute,error,weights,pixels,measured_by,protocol"
).split(",")
PUBLISHED_DRAWS = 8


def published_changes(dataset: str, image: str, sigma: float) -> list[Change]:
    """The draws of the published metric for one noisy image: λ ∼ U(0.5, 1.5), μ ∼ U(-0.25, 0.25), 8 of them.

    The metric is the mean of the relative defect over draws, images and noise levels (Saied & Fleuret 2026,
    appendix E). The draws depend on the label of the noisy image alone: every denoiser gets the same.

    Args:
        dataset, image: names of the data set and of the image.
        sigma: noise level in 8-bit units.
    """
    label = f"{dataset}/{image}|sigma={float(sigma)!r}|published changes"
    key = np.frombuffer(hashlib.sha256(label.encode()).digest()[:16], dtype="<u8")
    random = np.random.Generator(np.random.Philox(key=key))
    return [
        Change("published", random.uniform(0.5, 1.5), random.uniform(-0.25, 0.25))
        for _ in range(PUBLISHED_DRAWS)
    ]
