"""Values of every type, and a file read and written again."""

import numpy as np

from normeq.imaging.files import read

DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"]
RNG = np.random.default_rng(0)


def values(shape, dtype):
    info = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else None
    if info:
        return RNG.integers(info.min, info.max, shape, dtype, endpoint=True)
    return (RNG.normal(size=shape) * 1e3).astype(dtype)


def again(path, target=None):
    """The file read and written again."""
    picture = read(path)
    target = target or path.with_name(f"again-{path.name}")
    picture.save(target, picture.array.copy())
    return picture, target
