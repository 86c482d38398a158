"""What a schema cannot see in a config: whether its parts fit together. Each check names the key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from normeq.errors import NormeqError
from normeq.imaging.names import image_names
from normeq.suite.claims.registry import claim_kinds
from normeq.suite.claims.testable import check_testable
from normeq.suite.config.settings import Settings
from normeq.suite.data.registry import Dataset
from normeq.suite.measuring.registry import all_measurements
from normeq.suite.results.leaks import LEAK_FREE
from normeq.training.spec import RunSpec


def check_levels(evaluate: dict[str, Any], specs: list[RunSpec]) -> None:
    """Refuse an experiment in which no network is tested at its own noise level."""
    sigmas = evaluate["noise_levels"]["sigmas"]
    ranges = [spec.sigma_range for spec in specs]
    if specs and not any(low <= sigma <= high for low, high in ranges for sigma in sigmas):
        trained = ", ".join(dict.fromkeys(spec.sigma_label for spec in specs))
        raise NormeqError(
            f"config: evaluate.noise_levels.sigmas: none is a level of training ({trained}); add one"
        )


def check_claims(
    config: dict[str, Any], known: Collection[str], runs: Sequence[RunSpec], shipped: Sequence[RunSpec]
) -> None:
    """Refuse claims of one id, on data sets that there are not, or that could never be tested (see
    :func:`normeq.suite.claims.testable.check_testable`)."""
    seen = set()
    for number, claim in enumerate(config["claims"]):
        needed = claim_kinds()[claim["kind"]].measurement
        if needed not in config["evaluate"]:
            raise NormeqError(
                f"config: claims[{number}]: a claim of kind {claim['kind']} needs evaluate.{needed}"
            )
        if claim["id"] in seen:
            raise NormeqError(f"config: claims[{number}]: the id {claim['id']!r} is there twice")
        seen.add(claim["id"])
        for name in claim.get("datasets", []):
            if name not in (*known, *LEAK_FREE):
                raise NormeqError(
                    f"config: claims[{number}].datasets: unknown data set {name!r}; "
                    f"choose from {', '.join([*known, *LEAK_FREE])}"
                )
        check_testable(f"config: claims[{number}]", claim, config, runs, shipped)


def check_evaluate(evaluate: dict[str, Any]) -> dict[str, Settings]:
    """The settings of every measurement of the config, typed, after its own checks.

    Raises:
        NormeqError: settings that do not fit together; the message names the key.
    """
    sections = {}
    for kind, measurement in all_measurements().items():
        if kind not in evaluate:
            continue

        def fail(key: str, message: str, kind: str = kind) -> None:
            raise NormeqError(f"config: evaluate.{kind}.{key}: {message}")

        settings = measurement.settings.model_validate(evaluate[kind])
        settings.check(fail)
        settings.check_compared(fail)
        sections[kind] = settings
    return sections


def check_images(sections: Mapping[str, Settings], known: Mapping[str, Dataset]) -> None:
    """Refuse images that a data set does not have, and crops that leave them, before anything is fetched."""
    for key, settings in sections.items():
        if not hasattr(settings, "image"):
            continue
        dataset, _, image = settings.image.partition("/")
        manifest = known[dataset].manifest
        records = dict(zip(image_names([Path(file) for file in manifest]), manifest.values(), strict=True))
        if records and image not in records:
            raise NormeqError(
                f"config: evaluate.{key}.image: {dataset} has no image {image!r}; "
                f"the first is {min(records)}, the last {max(records)}"
            )
        shape = records[image].shape if records else None
        row, column, size = getattr(settings, "crop", (0, 0, 0))
        if shape and (row + size > shape[0] or column + size > shape[1]):
            raise NormeqError(
                f"config: evaluate.{key}.crop: {size} pixels from row {row}, column {column} "
                f"leave the image of {shape[0]}×{shape[1]} pixels"
            )
