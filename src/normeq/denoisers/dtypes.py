"""The floating-point precisions that a denoiser can be certified in, by name; without PyTorch.

:mod:`normeq.denoisers.precision` computes in them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dtype:
    """A floating-point precision: formats of images, weights and products.

    Attributes:
        name: as in the tables.
        eps: gap between 1 and the next number of the format in which products are formed.
        images: format of the images that go in and come out, as PyTorch calls it.
        autocast: format of the convolutions where it is narrower than ``images`` (weights stay in float32,
            as in training).
        tf32: whether a GPU may round the factors of float32 products to 10 bits.
        emulated: whether those of convolutions and matrix products are rounded so in software, anywhere.
    """

    name: str
    eps: float
    images: str = "float32"
    autocast: str | None = None
    tf32: bool = False
    emulated: bool = False


DTYPES: dict[str, Dtype] = {
    a.name: a
    for a in (
        Dtype("float64", 2.0**-52, images="float64"),
        Dtype("float32", 2.0**-23),
        Dtype("tf32", 2.0**-10, tf32=True),
        Dtype("emulated-tf32", 2.0**-10, emulated=True),
        Dtype("bfloat16", 2.0**-7, autocast="bfloat16"),
        Dtype("float16", 2.0**-10, autocast="float16"),
        Dtype("all-bfloat16", 2.0**-7, images="bfloat16"),
        Dtype("all-float16", 2.0**-10, images="float16"),
    )
}
