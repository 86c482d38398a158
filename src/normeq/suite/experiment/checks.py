"""What a schema cannot see in a config: whether its parts fit together. Each check names the key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from normeq.errors import NormeqError
from normeq.suite.claims.testable import MEASURED_ON, check_testable
from normeq.suite.data.names import image_names
from normeq.suite.data.registry import Dataset
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
        needed = MEASURED_ON.get(claim["kind"], "noise_levels")
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


def check_images(evaluate: dict[str, Any], known: Mapping[str, Dataset]) -> None:
    """Refuse images that a data set does not have, and crops that leave them, before anything is fetched."""
    for key, settings in evaluate.items():
        if not isinstance(settings, dict) or "image" not in settings:
            continue
        dataset, _, image = settings["image"].partition("/")
        manifest = known[dataset].manifest
        records = dict(zip(image_names([Path(file) for file in manifest]), manifest.values(), strict=True))
        if records and image not in records:
            raise NormeqError(
                f"config: evaluate.{key}.image: {dataset} has no image {image!r}; "
                f"the first is {min(records)}, the last {max(records)}"
            )
        shape = records[image].shape if records else None
        row, column, size = settings.get("crop", (0, 0, 0))
        if shape and (row + size > shape[0] or column + size > shape[1]):
            raise NormeqError(
                f"config: evaluate.{key}.crop: {size} pixels from row {row}, column {column} "
                f"leave the image of {shape[0]}×{shape[1]} pixels"
            )


def check_evaluate(evaluate: dict[str, Any]) -> None:
    """Refuse intervals without a < b, ranges without [0, 1], and what lies outside its crop or data sets."""
    moved = evaluate.get("gallery", {}).get("intervals", {})
    places = {key: evaluate.get(key, {}) for key in ("intervals", "interval_pictures")}
    for key, place in [*places.items(), ("gallery.intervals", moved)]:
        for number, (a, b) in enumerate(place.get("intervals", [])):
            if not a < b:
                raise NormeqError(
                    f"config: evaluate.{key}.intervals[{number}]: a must be below b, got [{a}, {b}]"
                )
    pairs = [tuple(pair) for pair in places["intervals"].get("intervals", [])]
    if pairs and (0, 1) not in pairs:
        raise NormeqError(
            "config: evaluate.intervals.intervals: [0, 1] is missing; the others are compared with it"
        )
    heatmap = evaluate.get("heatmap", {"scales": [1], "shifts": [0]})
    for key, nominal in (("scales", 1), ("shifts", 0)):
        if nominal not in heatmap[key]:
            raise NormeqError(
                f"config: evaluate.heatmap.{key}: {nominal} is missing; the others are compared with it"
            )
    for name in moved.get("datasets", []):
        if name not in evaluate["gallery"]["datasets"]:
            raise NormeqError(
                f"config: evaluate.gallery.intervals.datasets: {name} is not in evaluate.gallery.datasets"
            )
    if 0 < evaluate.get("certificate", {}).get("size", 0) < 8:
        raise NormeqError("config: evaluate.certificate.size: must be 0 or at least 8 pixels")
    for kind in ("filters", "examples", "interval_pictures"):
        if kind in evaluate and evaluate[kind]["crop"][2] < 8:
            raise NormeqError(f"config: evaluate.{kind}.crop: the side must be at least 8 pixels")
    if "filters" in evaluate:
        side = evaluate["filters"]["crop"][2]
        for number, (row, column) in enumerate(evaluate["filters"]["pixels"]):
            if max(row, column) >= side:
                raise NormeqError(
                    f"config: evaluate.filters.pixels[{number}]: [{row}, {column}] is outside "
                    f"the crop of {side} pixels"
                )
