"""The arithmetics a denoiser can be certified in: number formats, autocast, TF32; without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arithmetic:
    """How a denoiser computes.

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


ARITHMETICS: dict[str, Arithmetic] = {
    a.name: a
    for a in (
        Arithmetic("float64", 2.0**-52, images="float64"),
        Arithmetic("float32", 2.0**-23),
        Arithmetic("tf32", 2.0**-10, tf32=True),
        Arithmetic("emulated-tf32", 2.0**-10, emulated=True),
        Arithmetic("bfloat16", 2.0**-7, autocast="bfloat16"),
        Arithmetic("float16", 2.0**-10, autocast="float16"),
        Arithmetic("all-bfloat16", 2.0**-7, images="bfloat16"),
        Arithmetic("all-float16", 2.0**-10, images="float16"),
    )
}
