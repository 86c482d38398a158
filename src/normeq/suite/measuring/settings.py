"""Typed settings of measurements: each setting once, with its bounds, default, description and option.

The config schema, the checks and the options of ``normeq evaluate`` are made from these
(:mod:`normeq.suite.config.schema`, :mod:`normeq.suite.measuring.cli`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from normeq.suite.measuring.pictures import Crop


@dataclass(frozen=True)
class Option:
    """How a setting is called on the command line, where that is not ``--its-name``.

    Attributes:
        name: such as ``--interval``, for a list of which each option gives one entry.
        default: for people at the command line, where a config must say it; None for none.
    """

    name: str
    default: Any = None


@dataclass(frozen=True)
class Planned:
    """Marks a setting that says who is measured: the workflow reads it, ``evaluate`` does not get it."""


class Settings(BaseModel):
    """Settings of one measurement, or of a part of one; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def check(self, fail: Callable[[str, str], None]) -> None:
        """Refuse what no schema sees: call ``fail(key, message)``, the key such as ``crop`` or
        ``pixels[2]``."""

    def check_compared(self, fail: Callable[[str, str], None]) -> None:
        """Refuse settings without what tables and figures compare with; a config is asked this, a command
        not."""

    def datasets_read(self) -> list[str]:
        """Data sets whose images are read, each once."""
        own = getattr(self, "datasets", None) or [self.image.split("/")[0]]
        return list(dict.fromkeys(own))


def unique(description: str, least: int = 1, **more: Any) -> Any:
    """A list without repetitions."""
    return Field(min_length=least, description=description, json_schema_extra={"uniqueItems": True}, **more)


def _ordered(values: list[float]) -> list[float]:
    return sorted(values)


Sigma = Annotated[float, Field(gt=0, le=255, description="Noise level in 8-bit units.")]
Sigmas = Annotated[list[Sigma], unique("Noise levels in 8-bit units."), AfterValidator(_ordered)]
Datasets = Annotated[list[str], unique("Data sets of the registry.")]
Draws = Annotated[int, Field(ge=1, description="Noise realisations per image and noise level.")]
Images = Annotated[
    int | None,
    Field(ge=1, description="Only the first so many images of each data set; null for all."),
]
ImageName = Annotated[
    str,
    Field(
        pattern="^[^/]+/.+$",
        description="An image as DATASET/NAME, such as set12/07, the name without its suffix.",
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
        description="Side of the square used, from the middle of each image, in pixels; 0 for the whole image.",
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
