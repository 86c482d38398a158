"""Claims as a config states them: keys of each kind, once. What is not measured cannot be claimed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from normeq.denoisers.precision import ARITHMETICS
from normeq.suite.config.schema import schema_of
from normeq.suite.config.settings import LeftOut, Settings
from normeq.suite.measuring.settings import Datasets, Pair, Sigma
from normeq.suite.results.names import VARIANTS

Level = Annotated[float, Field(gt=0, le=255)]
Bound = Annotated[float, Field(ge=0, le=255)]
TrainSigma = Level | tuple[Bound, Bound]
Variant = Literal[tuple(VARIANTS)]


class Stated(Settings):
    """What every claim says."""

    id: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$", description="Short name, each once.")]
    claim: Annotated[str, Field(min_length=1, description="The statement, as a sentence.")]
    network: Annotated[
        str | None,
        Field(description="One of networks; without it there is a verdict for each."),
        LeftOut(),
    ] = None
    train_sigma: Annotated[
        TrainSigma | None,
        Field(description="Training noise level, a number or [low, high]; each has a verdict without it."),
        LeftOut(),
    ] = None
    bound: Annotated[
        Literal["at least", "at most", "within"],
        Field(
            description="Side of the threshold that is claimed; within means between -threshold and "
            "+threshold."
        ),
    ]
    threshold: Annotated[float, Field(description="In dB; without unit for defect and filters.")]
    stated: Annotated[
        Literal["before", "after"],
        Field(
            description="Whether its threshold was fixed before or after the first results that it is about; "
            "tables mark and count what was stated after."
        ),
    ] = "before"


class Gain(Stated):
    """PSNR of one variant minus that of another on the same noisy images, same network, training and test
    noise level."""

    kind: Literal["gain"]
    datasets: Datasets
    of: Variant
    over: Variant
    sigma: Sigma


class IntervalLoss(Stated):
    """PSNR on [0,1] minus PSNR on the interval [a,b] where that difference is largest, for one variant."""

    kind: Literal["interval_loss"]
    datasets: Datasets
    variant: Variant
    intervals: Annotated[
        list[Pair] | None,
        Field(min_length=1, description="Only these [a, b]; without it all that are measured."),
        LeftOut(),
    ] = None


class PublishedValue(Settings):
    """Which published value; data set and noise level are those of the claim."""

    paper: Annotated[str, Field(description="Column paper of published_psnr.csv.")]
    method: Annotated[str, Field(description="Column method of published_psnr.csv.")]
    train_sigma: Annotated[
        str | None,
        Field(description="Column train_sigma of published_psnr.csv, such as 0-75; else the claim's sigma."),
        LeftOut(),
    ] = None
    source: Annotated[
        str | None,
        Field(
            description="How the column source ends, such as Table 7, where a paper prints a method twice."
        ),
        LeftOut(),
    ] = None


class MatchedLevel(Stated):
    """Mean PSNR at the noise level of training minus the published value (data/published, verified rows
    only)."""

    kind: Literal["level"]
    datasets: Datasets
    variant: Variant
    sigma: Sigma
    published: PublishedValue


class TuningGain(Stated):
    """What choosing the range of the input gains for one variant at one noise level (docs/experiments.md,
    Tuning)."""

    kind: Literal["tuning_gain"]
    datasets: Datasets
    variant: Variant
    tuning: Annotated[
        Literal["known", "scale", "shift"],
        Field(description="known: λ = σ/σ_train; scale, shift: the best λ or μ for each image (oracle)."),
    ]
    sigma: Sigma


class Defect(Stated):
    """Largest relative defect in the certificate, for one variant and kind of change; no unit."""

    kind: Literal["defect"]
    variant: Variant
    change: Annotated[
        Literal["scale", "shift", "joint"],
        Field(description="Which changes of range; joint are all."),
    ]
    dtype: Annotated[Literal[tuple(ARITHMETICS)], Field(description="Arithmetic.")] = "float32"


class Filters(Stated):
    """Of the adaptive filters of one variant, the largest over pixels and noise levels; no unit."""

    kind: Literal["filters"]
    variant: Variant
    quantity: Annotated[
        Literal["sum", "unexplained"],
        Field(description="sum: distance of the sum of a filter from 1; unexplained: ‖f(y) − J(y)y‖/‖f(y)‖."),
    ]


KINDS: dict[str, type[Stated]] = {
    "gain": Gain,
    "interval_loss": IntervalLoss,
    "level": MatchedLevel,
    "tuning_gain": TuningGain,
    "defect": Defect,
    "filters": Filters,
}


def claim_schema() -> dict[str, Any]:
    """JSON schema of a claim of any kind: its kind says which keys there are."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS)}},
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": kind}}},
                "then": schema_of(model),
            }
            for kind, model in KINDS.items()
        ],
    }
