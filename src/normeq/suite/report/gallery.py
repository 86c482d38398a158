"""What the interactive view shows: pictures of ``normeq evaluate gallery``, numbers of the long tables."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from PIL import Image

from normeq.errors import NormeqError
from normeq.imaging.crops import noisy_crop, to_uint8
from normeq.suite.analysis.intervals import in_order, interval_name
from normeq.suite.report import QUALITY
from normeq.suite.report.gallery_numbers import Condition, Numbers
from normeq.suite.results.long_tables import read_intervals, read_noise_levels, train_range
from normeq.suite.results.names import dataset_name
from normeq.suite.results.normalise import NOMINAL, sent

PICTURES = 1800  # denoised ones on a page of less than 6 MB: each of 64×64 takes 2.4 kB
OTHER_NUMBERS = "Numbers of whole images are not shown, as the long table has them of another map:"
OF_IMAGES = ("clean", "shapes", "crops", "psnr", "denoised")  # arrays whose first axis is that of images


@dataclass(frozen=True)
class Gallery:
    """The parts of all denoisers: same images, same settings.

    Attributes:
        parts, metas: what :func:`normeq.suite.measurements.gallery.gallery` gave for each.
        images: ``dataset/name``.
    """

    parts: list[dict[str, np.ndarray]]
    metas: list[dict]
    images: list[str]

    @property
    def datasets(self) -> list[str]:
        return list(dict.fromkeys(image.partition("/")[0] for image in self.images))

    def noisy(self, image: int, sigma: float) -> np.ndarray:
        """Noisy crop, float32, not clipped; σ in 8-bit units."""
        return noisy_crop(self.parts[0], image, sigma)


def gallery_data(parts: Sequence[Path], noise_levels: Path, intervals: Path | None) -> dict[str, object]:
    """Everything that ``gallery.js`` shows.

    Args:
        parts: one file of ``normeq evaluate gallery`` per denoiser, all of the same images and settings.
        noise_levels, intervals: the long tables.

    Returns:
        ``size`` (pixels), ``datasets`` (names), ``images`` (name, number of the data set), ``clean`` (WebP of
        each image; all pictures are base64), ``methods`` (label and colour; the noisy image is the first),
        and ``views``: over noise levels and, where there are such pictures, over intervals (:func:`_view`).

    Raises:
        NormeqError: a part is missing, not a gallery, of other images than the first, or of a denoiser that
            the long table does not have.
    """
    from normeq.suite.figures.style import NOISY, line_styles

    gallery = _open(parts)
    gallery, left_out = within(gallery, PICTURES)
    parts = parts[: len(gallery.parts)]
    levels = read_noise_levels(noise_levels)
    methods = [{"label": "noisy", "colour": NOISY}]
    styles = line_styles(levels)
    for path, meta in zip(parts, gallery.metas, strict=True):
        style = styles.get((meta["network"], meta["variant"]))
        if style is None:
            raise NormeqError(f"report: {path} shows {meta['network']}, which {noise_levels} does not have")
        methods.append({"label": style.label, "colour": style.colour})
    views = [_over_noise_levels(gallery, Numbers(levels, gallery.metas))]
    if "moved" in gallery.metas[0]:
        ranges = read_intervals(intervals) if intervals else levels.assign(a=np.nan, b=np.nan)
        other = intervals is not None and ranges["normalise"].iloc[0] != NOMINAL
        numbers = Numbers(levels, gallery.metas, ranges.head(0) if other else ranges)
        views.append(_over_intervals(gallery, numbers, f" {OTHER_NUMBERS} {sent(ranges)}." if other else ""))
    return {
        "size": int(gallery.parts[0]["clean"].shape[1]),
        "datasets": [dataset_name(name) for name in gallery.datasets],
        "images": [
            {"name": image, "dataset": gallery.datasets.index(image.partition("/")[0])}
            for image in gallery.images
        ],
        "clean": [_webp(crop) for crop in gallery.parts[0]["clean"]],
        "methods": methods,
        "views": [view | {"note": f"{view['note']} {left_out}".strip()} for view in views],
    }


def within(gallery: Gallery, limit: int) -> tuple[Gallery, str]:
    """So much of a gallery that the page stays small: as many of its images as there is room for, of every
    data set in turn, and the first denoisers where one image of each is too much.

    Args:
        limit: pictures on the page.

    Returns:
        The gallery, and a sentence that says what is not shown; "" where all is.
    """
    stops = len(gallery.parts[0]["sigmas"]) + len(gallery.metas[0].get("moved", {}).get("intervals", ()))
    places: dict[str, list[int]] = {}
    for number, image in enumerate(gallery.images):
        places.setdefault(image.partition("/")[0], []).append(number)
    denoisers = max(1, min(len(gallery.parts), limit // (stops * len(places))))
    room = max(len(places), limit // (stops * denoisers))
    turns = sorted((turn, number) for of in places.values() for turn, number in enumerate(of))
    kept = sorted(number for _, number in turns[:room])
    if len(kept) == len(gallery.images) and denoisers == len(gallery.parts):
        return gallery, ""
    first = gallery.metas[0].get("moved", {}).get("datasets", ())
    moved = [n for n, image in enumerate(gallery.images) if image.partition("/")[0] in first]
    parts = [
        {
            key: value[[moved.index(n) for n in kept if n in moved]]
            if key.endswith("_moved")
            else value[kept]
            if key in OF_IMAGES
            else value
            for key, value in part.items()
        }
        for part in gallery.parts[:denoisers]
    ]
    images = [gallery.images[number] for number in kept]
    metas = [meta | {"images": images} for meta in gallery.metas[:denoisers]]
    for part, meta in zip(parts, metas, strict=True):
        part["meta"] = np.array(json.dumps(meta))
    shown = f"{len(kept)} of {len(gallery.images)} images and {denoisers} of {len(gallery.parts)} denoisers"
    return Gallery(parts, metas, images), f"To keep the page small, pictures are of {shown}; tables have all."


def _open(paths: Sequence[Path]) -> Gallery:
    parts = []
    for path in paths:
        try:
            with np.load(path) as file:
                parts.append(dict(file))
            metas = [json.loads(str(part["meta"])) for part in parts]
            shape, _ = parts[-1]["denoised"].shape, metas[-1]["images"]
            missing = sorted({"clean", "sigmas", "shapes", "crops", "psnr"} - parts[-1].keys())
            if missing:
                raise ValueError(f"no array {missing[0]}")
        except FileNotFoundError:
            raise NormeqError(f"report: {path}: no such file") from None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise NormeqError(f"report: {path} is not a gallery of `normeq evaluate` ({error})") from None
        alike = all(metas[-1].get(key) == metas[0].get(key) for key in ("images", "moved"))
        if (
            not alike
            or shape != parts[0]["denoised"].shape
            or (parts[-1]["sigmas"] != parts[0]["sigmas"]).any()
        ):
            raise NormeqError(f"report: {path} shows other pictures than {paths[0]}; evaluate them alike")
    return Gallery(parts, metas, metas[0]["images"])


def _over_noise_levels(gallery: Gallery, numbers: Numbers) -> dict[str, object]:
    sigmas = [float(sigma) for sigma in gallery.parts[0]["sigmas"]]
    levels = [train_range(meta["train_sigma"]) for meta in gallery.metas]
    trained = max((high for _, high in filter(None, levels)), default=0.0)
    above = [number for number, sigma in enumerate(sigmas) if sigma > trained]
    return _view(
        gallery,
        numbers,
        {
            "kind": "noise",
            "title": "Over noise levels",
            "note": "The same crop at each noise level. A blind network does not get the level.",
            "axis": "Noise level",
            "stops": [f"σ = {sigma:g}" for sigma in sigmas],
            "ticks": [f"{sigma:g}" for sigma in sigmas],
            "start": above[0] if above else len(sigmas) - 1,  # where networks differ most
        },
        list(range(len(gallery.images))),
        [(sigma,) for sigma in sigmas],
        list(range(len(sigmas))),
        "",
    )


def _over_intervals(gallery: Gallery, numbers: Numbers, more: str) -> dict[str, object]:
    moved = gallery.metas[0]["moved"]
    sigma, pairs = float(moved["sigma"]), [tuple(pair) for pair in moved["intervals"]]
    stops = list(
        in_order(pd.DataFrame(pairs, columns=["a", "b"]))[["a", "b"]].itertuples(index=False, name=None)
    )
    names = [interval_name(*stop) for stop in stops]
    return _view(
        gallery,
        numbers,
        {
            "kind": "intervals",
            "title": f"Over intervals [a, b] at σ = {sigma:g}",
            "note": f"The noisy image is sent from [0, 1] to [a, b], denoised there and sent back.{more}",
            "axis": "Interval",
            "stops": names,
            "ticks": names,
            "start": 0,
        },
        [i for i, image in enumerate(gallery.images) if image.partition("/")[0] in moved["datasets"]],
        [(sigma, *stop) for stop in stops],
        [pairs.index(stop) for stop in stops],
        "_moved",
    )


def _view(
    gallery: Gallery,
    numbers: Numbers,
    about: dict[str, object],
    images: list[int],
    conditions: list[Condition],
    columns: list[int],
    suffix: str,
) -> dict[str, object]:
    """``about``, and: ``x``, ``y`` (methods of the scatter), ``images`` (numbers), ``noisy`` and ``pictures``
    by image, stop (one for all where the noise is the same) and denoiser; PSNR in dB by stop and method: of
    the crop (``crop``), of the image in the long table, draw 0 (``whole``), of data sets (``means``). What
    was not measured is null.

    Args:
        images: which of the gallery.
        conditions: σ, or σ and [a,b], of each stop.
        columns: where a stop stands in the arrays.
        suffix: of the names of these arrays.
    """
    variants = [meta["variant"] for meta in gallery.metas]
    y = variants.index("norm") + 1 if "norm" in variants else len(variants)
    x = variants.index("ordinary") + 1 if "ordinary" in variants else 1
    sigmas = list(dict.fromkeys(condition[0] for condition in conditions))
    noisy = {(i, sigma): gallery.noisy(i, sigma) for i in images for sigma in sigmas}
    clean = [crop / np.float32(255) for crop in gallery.parts[0]["clean"]]
    shown = list(dict.fromkeys(gallery.images[i].partition("/")[0] for i in images))
    return about | {
        "x": x if x != y else 0,
        "y": y,
        "images": images,
        "noisy": [[_webp(to_uint8(noisy[i, sigma])) for sigma in sigmas] for i in images],
        "pictures": [
            [[_webp(part[f"denoised{suffix}"][row, column]) for part in gallery.parts] for column in columns]
            for row in range(len(images))
        ],
        "crop": [
            [
                [
                    _finite(_psnr(noisy[i, condition[0]], clean[i])),
                    *(_finite(part[f"psnr{suffix}"][row, column]) for part in gallery.parts),
                ]
                for condition, column in zip(conditions, columns, strict=True)
            ]
            for row, i in enumerate(images)
        ],
        "whole": [[numbers.of_image(gallery.images[i], c) for c in conditions] for i in images],
        "means": [
            {"label": dataset_name(name), "values": [numbers.of_dataset(name, c) for c in conditions]}
            for name in shown
        ],
    }


def _finite(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _psnr(image: np.ndarray, clean: np.ndarray) -> float:
    """As :func:`normeq.imaging.metrics.psnr`, unclipped; that one would load PyTorch."""
    return -10 * np.log10(np.mean((image.astype(float) - clean) ** 2))


def _webp(pixels: np.ndarray) -> str:
    """An 8-bit gray picture as base64 of a WebP file."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()
