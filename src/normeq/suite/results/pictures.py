"""Reading the image parts (.npz) of ``normeq evaluate filters`` and ``examples``, one per denoiser."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from normeq.errors import NormeqError
from normeq.suite.results.long_tables import VARIANT_ORDER
from normeq.suite.results.names import dataset_name, level_name, variant_name
from normeq.suite.results.normalise import NOMINAL

EXAMPLES = ("clean", "sigmas", "noisy", "denoised", "psnr", "psnr_in")
FILTERS = ("clean", "sigmas", "pixels", "noisy", "denoised", "filters", "sums", "defect", "psnr")
INTERVAL_PICTURES = ("clean", "sigma", "intervals", "noisy", "psnr_in", "denoised", "psnr")
MICROSCOPY = ("clean", "sigma", "ranges", "counts", "noisy", "psnr_in", "denoised", "psnr")
META = ("network", "variant", "train_sigma", "seed", "dataset", "image", "crop")
SHARED = (
    "clean",
    "sigmas",
    "sigma",
    "intervals",
    "ranges",
    "counts",
    "pixels",
    "noisy",
)  # the same question to every denoiser


@dataclass(frozen=True)
class Part:
    """One denoiser's pictures of one crop: ``meta`` as text, ``arrays`` by name (see the keys above), and for
    pictures on intervals what went to a and b: ``nominal`` range, or the ``minmax`` of the noisy image."""

    path: Path
    meta: dict[str, str]
    arrays: dict[str, NDArray[np.float64]]
    normalise: str = NOMINAL

    def __getitem__(self, key: str) -> NDArray[np.float64]:
        return self.arrays[key]

    @property
    def name(self) -> str:
        return variant_name(self.meta["variant"], self.meta["network"])


def read_parts(paths: Sequence[Path], keys: Sequence[str]) -> list[Part]:
    """Read parts and check that they show the same crop under the same noise.

    Returns:
        The parts in the order ordinary, scale, norm, wrapped, others; networks in the order given. Denoisers
        whose part says that it could not be made are left out; none may remain.

    Raises:
        NormeqError: no part, a missing or broken file, a missing or non-finite array, or parts that differ in
            the crop, the noise levels, the pixels or the noise: then they do not belong in one figure.
    """
    if not paths:
        raise NormeqError("no parts given: name at least one .npz written by normeq evaluate")
    parts = [part for path in paths if (part := _read(Path(path), keys))]
    if not parts:
        return []
    first = parts[0]
    for part in parts[1:]:
        if part.normalise != first.normalise:
            raise NormeqError(
                f"{part.path} and {first.path} differ in what goes to a and b: use one normalise"
            )
        for key in (k for k in SHARED if k in keys):
            if part[key].shape != first[key].shape or not np.allclose(part[key], first[key], atol=1e-6):
                raise NormeqError(
                    f"{part.path} and {first.path} differ in {key}: use one crop, noise level and draw"
                )
    networks = list(dict.fromkeys(part.meta["network"] for part in parts))
    ranks = {name: i for i, name in enumerate(VARIANT_ORDER)}
    other = len(ranks)
    return sorted(
        parts,
        key=lambda part: (
            part.meta["variant"] == "other",
            networks.index(part.meta["network"]),
            ranks.get(part.meta["variant"], other),
        ),
    )


def _read(path: Path, keys: Sequence[str]) -> Part | None:
    try:
        with np.load(path, allow_pickle=False) as archive:
            content = {key: archive[key] for key in archive.files}
        meta = json.loads(str(content["meta"]))
    except FileNotFoundError:
        raise NormeqError(f"no such file: {path}") from None
    except KeyError:
        raise NormeqError(f"{path}: missing array meta") from None
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile):
        raise NormeqError(
            f"{path} is not a readable .npz part; write it again with normeq evaluate"
        ) from None
    if "dataset" not in meta and "/" in str(meta.get("image")):  # image may come as set12/02
        meta["dataset"], _, meta["image"] = meta["image"].partition("/")
    if meta.get("left_out"):
        return None
    missing = [key for key in keys if key not in content] + [f"meta.{key}" for key in META if key not in meta]
    if missing:
        raise NormeqError(
            f"{path}: missing {'array' if len(missing) == 1 else 'arrays'} {', '.join(missing)}"
        )
    arrays = {key: np.asarray(content[key], dtype=np.float64) for key in keys}
    for key, array in arrays.items():
        if (
            not array.size
            or not (np.isfinite(array) | (key in {"psnr", "psnr_in"}) & np.isposinf(array)).all()
        ):
            raise NormeqError(f"{path}: array {key} is empty or has values that are not finite")
    normalise = str(meta.get("normalise", NOMINAL))
    return Part(path, {key: _text(meta[key]) for key in META}, arrays, normalise)


def _text(value: object) -> str:
    """JSON null is empty; 25.0 is 25; a crop [50, 50, 96] is ``50,50,96``."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ",".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def crop_name(part: Part) -> str:
    """``Set12 image 07, crop 96 × 96 at row 50, column 50``."""
    height, width = part["clean"].shape
    corner = part.meta["crop"].split(",")
    where = f" at row {corner[0]}, column {corner[1]}" if len(corner) >= 2 else ""
    return f"{dataset_name(part.meta['dataset'])} image {part.meta['image']}, crop {height} × {width}{where}"


def training_name(parts: Sequence[Part]) -> str:
    """``fdncnn8x32 trained at σ = 25, seed 0``; each network once."""
    texts = []
    for part in parts:
        level, seed = part.meta["train_sigma"], part.meta["seed"]
        if part.meta["variant"] != "other" and level:
            texts.append(
                f"{part.meta['network']} trained at σ = {level_name(level)}"
                + (f", seed {seed}" if seed else "")
            )
    return "; ".join(dict.fromkeys(texts))
