"""Settings that several measurements have: each once, with its bounds, description and option.

The config schema, the checks and the options of ``normeq evaluate`` are made from these
(:mod:`normeq.suite.config.schema`, :mod:`normeq.suite.commands.evaluate`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from normeq.suite.config.settings import Option, unique
from normeq.suite.measuring.pictures import Crop


def _ordered(values: list[float]) -> list[float]:
    return sorted(values)


Sigma = Annotated[float, Field(gt=0, le=255, description="Noise level in 8-bit units.")]
Sigmas = Annotated[list[Sigma], unique("Noise levels in 8-bit units."), AfterValidator(_ordered)]
Datasets = Annotated[
    list[str], unique("Data sets of the registry; at the command line also folders, ./mine.")
]
Draws = Annotated[int, Field(ge=1, description="Noise realisations per image and noise level.")]
Images = Annotated[
    int | None,
    Field(ge=1, description="Only the first so many images of each data set; null for all."),
]
ImageName = Annotated[
    str,
    Field(
        pattern="^[^/]+/.+$",
        description="An image as DATASET/NAME, such as set12/07, without suffix.",
    ),
]
CropSetting = Annotated[
    Crop, Field(description="Top row, left column and side of the square crop, in pixels.")
]
Pair = tuple[float, float]
Intervals = Annotated[list[Pair], unique("Pairs [a, b], a below b."), Option("--interval")]
Scales = Annotated[list[Annotated[float, Field(gt=0)]], unique("Factors λ."), Option("--scale")]
Shifts = Annotated[list[float], unique("Shifts μ, in units of the nominal range [0,1]."), Option("--shift")]
Middle = Annotated[
    int,
    Field(
        ge=0,
        description="Side of the square used, from the middle of each image; 0 for the whole image.",
    ),
]


def check_intervals(
    intervals: list[Pair], fail: Callable[[str, str], None], where: str = "intervals"
) -> None:
    """Every a below its b."""
    for number, (a, b) in enumerate(intervals):
        if not a < b:
            fail(f"{where}[{number}]", f"a must be below b, got [{a:g}, {b:g}]")


def check_crop(crop: Crop, fail: Callable[[str, str], None]) -> None:
    """A crop that a network can denoise."""
    if crop.size < 8:
        fail("crop", "the side must be at least 8 pixels")
