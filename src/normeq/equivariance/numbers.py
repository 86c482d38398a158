"""Images as users have them, in float64: arrays of any byte order and strides, and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from normeq.errors import NormeqError


def in_float64(y: Any, who: str) -> Tensor:
    """An image in float64: a tensor with its derivatives, an array as a copy.

    Args:
        y: tensor or array of integers or floating-point numbers.
        who: what takes it, for messages.

    Raises:
        NormeqError: it is none, or of other numbers, or masked: what lies under a mask is no value.
    """
    if isinstance(y, np.ma.MaskedArray):
        raise NormeqError(
            f"{who} takes no masked arrays: fill in what is masked, or cut it away, image.filled(value)"
        )
    if isinstance(y, np.ndarray):
        good = y.dtype.kind in "iu" or y.dtype.kind == "f" and y.dtype.itemsize <= 8
    elif isinstance(y, Tensor):
        good = y.dtype != torch.bool and not (y.is_complex() or y.is_quantized) and y.layout == torch.strided
    else:
        raise NormeqError(f"{who} takes a tensor or an array of real numbers, not {type(y).__name__}")
    if not good:
        raise NormeqError(
            f"{who} takes a tensor or an array of real numbers, not one of {y.dtype}: convert it to integers "
            "or floating-point numbers first"
        )
    return y.double() if isinstance(y, Tensor) else torch.from_numpy(np.array(y, np.float64, order="C"))
