"""How accuracy grows with the pixels trained on: PSNR = limit − c · pixels^(−exponent), fitted.

Networks that differ in nothing but the length of their training (and the rate that goes with it) are one
series for each variant. All variants of a series share the exponent; limit and c are each variant's own. A
point that is the mean of n trainings counts n times. The interval is over trainings: what is left of the fit
is taken for the noise of a training, and the fit is repeated with such noise. It is not over images:
published values are of the same ones.
"""

from __future__ import annotations

import json
import os.path
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from normeq.errors import NormeqError
from normeq.nn.variants import get_variant
from normeq.suite.results.long_tables import CONDITION, VARIANT_ORDER, read_noise_levels
from normeq.suite.results.names import published_architecture
from normeq.suite.results.published import at_sigma, printed, read_published
from normeq.suite.statistics.means import CONFIDENCE, per_image, summarise
from normeq.system.files import read_json
from normeq.training.lengths import LENGTHS, enough, has_begun, series
from normeq.training.spec import RunSpec

EXPONENTS = (0.05, 2.0)  # looked through
REPEATS = 999
ARCHITECTURE = "FDnCNN-20"  # whose published values are shown


@dataclass(frozen=True)
class Law:
    """PSNR (dB) over million pixels for several variants: ``limits - factors * mpx**-exponent``.

    Attributes:
        exponent: shared.
        limits, factors: dB, one for each variant.
        spread: dB, standard deviation of one training about the fit.
        freedom: points less parameters, from which the spread is known.
    """

    exponent: float
    limits: NDArray[np.float64]
    factors: NDArray[np.float64]
    spread: float
    freedom: int

    def __call__(self, mpx: ArrayLike) -> NDArray[np.float64]:
        """PSNR of every variant, (variants, lengths), after so many million pixels (lengths,)."""
        return psnr_after(
            np.asarray(mpx, np.float64), self.limits[:, None], self.factors[:, None], self.exponent
        )

    def pixels_to(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Million pixels after which each variant has its level (dB); infinite above the limit."""
        left = self.limits - np.asarray(levels, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = (self.factors / left) ** (1 / self.exponent)
        return np.where(left > 0, pixels, np.where(left <= 0, np.inf, np.nan))


def psnr_after(mpx: Any, limit: Any, factor: Any, exponent: float) -> Any:
    """PSNR (dB) by the law after million pixels ``mpx``; numbers, or arrays that broadcast."""
    return limit - factor * mpx**-exponent


def fit_law(which: ArrayLike, mpx: ArrayLike, psnr: ArrayLike, trainings: ArrayLike = 1) -> Law:
    """Least squares, with one exponent for all variants.

    Args:
        which: (points,) number of the variant, from 0.
        mpx: (points,) million pixels.
        psnr: (points,) dB.
        trainings: (points,) of how many trainings each is the mean.

    Raises:
        ValueError: no more points than parameters.
    """
    which, mpx, psnr = np.asarray(which), np.asarray(mpx, np.float64), np.asarray(psnr, np.float64)
    variants = int(which.max()) + 1
    free = len(psnr) - 2 * variants - 1
    if not enough(len(psnr), variants):
        raise ValueError(f"{len(psnr)} points for {2 * variants + 1} parameters")
    weight = np.broadcast_to(np.sqrt(np.asarray(trainings, np.float64)), psnr.shape)
    own = np.eye(variants)[which] * weight[:, None]
    psnr = psnr * weight

    def solved(exponent: float) -> tuple[NDArray[np.float64], float]:
        terms = np.hstack([own, -own * mpx[:, None] ** -exponent])
        values = np.linalg.lstsq(terms, psnr, rcond=None)[0]
        return values, float(((terms @ values - psnr) ** 2).sum())

    best = minimize_scalar(lambda x: solved(np.exp(x))[1], bounds=np.log(EXPONENTS), method="bounded")
    exponent = float(np.exp(best.x))
    values, left = solved(exponent)
    return Law(exponent, values[:variants], values[variants:], (left / free) ** 0.5, free)


def repeated(
    law: Law, which: ArrayLike, mpx: ArrayLike, repeats: int = REPEATS, trainings: ArrayLike = 1
) -> list[Law]:
    """Fits of what other trainings might have given: the law's values plus noise of its spread, which is as
    uncertain as its degrees of freedom say (Student's t), less where a point is the mean of several."""
    which, mpx = np.asarray(which), np.asarray(mpx, np.float64)
    exact = law(mpx)[which, np.arange(len(mpx))]
    rng = np.random.default_rng(0)
    spread = law.spread * (law.freedom / rng.chisquare(law.freedom, repeats)) ** 0.5
    noise = rng.normal(0, spread[:, None], (repeats, len(mpx))) / np.sqrt(np.asarray(trainings, np.float64))
    return [fit_law(which, mpx, exact + one, trainings) for one in noise]


def law_points(path: Path) -> pd.DataFrame:
    """PSNR at the noise level of training beside the pixels trained on.

    Args:
        path: ``noise_levels.csv``; the runs of its networks are looked for in ``../runs``.

    Returns:
        network, variant, train_sigma, dataset, sigma (8-bit units), psnr, images, seeds, draws, mpx (million
        training pixels), series (what tells one series from another), built (what is trained: the network
        without its name), published_as (the published architecture that it is, or ""), recipe (for a reader),
        fitted.

    Raises:
        NormeqError: no network whose run is there was measured at its own level.
    """
    table = read_noise_levels(path)
    if "weights" not in table:
        raise NormeqError(f"{path}: no column weights, which tells what run a row is of")
    runs = _runs(path.parent.parent / "runs", set(table["weights"]))
    own = table["train_sigma"] == table["sigma"].map("{:g}".format)
    table = table[own & table["weights"].isin(runs["weights"])]
    if table.empty:
        raise NormeqError(
            f"{path}: no network was measured at its own noise level and has its run in "
            f"{path.parent.parent / 'runs'}"
        )
    keys = [*CONDITION, "mpx", "series", "built", "published_as", "recipe", "begun"]
    joined = table.merge(runs, on="weights", validate="many_to_one")
    points = summarise(per_image(joined, "psnr", keys), "psnr", keys).rename(columns={"mean": "psnr"})
    lengths = points[points["begun"]].groupby(["series", "dataset", "variant"])["mpx"].nunique()
    many = points.set_index(["series", "dataset", "variant"]).index.map(lengths).to_numpy(float)
    points["fitted"] = points["begun"] & (many >= LENGTHS)
    return points.drop(columns=["begun", "low", "high"])


def _runs(folder: Path, weights: set[str]) -> pd.DataFrame:
    """Length and series of the runs with these weights (eight hex digits of their SHA-256)."""
    rows = []
    for file in sorted(folder.glob("*/run.json")):
        record = read_json(file)
        if not isinstance(record, dict) or not {"spec", "steps", "pixels", "weights_sha256"} <= record.keys():
            continue
        if record["weights_sha256"][:8] not in weights:
            continue
        spec = RunSpec.from_dict(record["spec"])
        batch, side = spec.recipe.batch, spec.recipe.patch
        built = {key: value for key, value in spec.network.items() if key != "name"}
        rows.append(
            {
                "weights": record["weights_sha256"][:8],
                "mpx": record["pixels"] / 1e6,
                "series": series(spec),
                "built": json.dumps(built, sort_keys=True),
                "published_as": published_architecture(built),
                "recipe": f"{batch} {'patch' if batch == 1 else 'patches'} of {side}×{side}",
                "begun": has_begun(spec, record["steps"]),
            }
        )
    columns = ["weights", "mpx", "series", "built", "published_as", "recipe", "begun"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates("weights")


def laws(points: pd.DataFrame, published: Path | None) -> pd.DataFrame:
    """The fits, a row for each series, data set and variant.

    Args:
        points: as :func:`law_points` gives them.
        published: folder of published values, or None.

    Returns:
        series, law (a name for it: network, noise level, recipe), network, train_sigma, recipe, dataset,
        variant, limit, factor (dB), exponent, spread (dB), published (dB),
        published_mpx (million pixels of that training), there (the law's PSNR there), mpx_to_published; for
        limit, exponent, there and mpx_to_published also ``_low`` and ``_high`` (95 % over trainings).

    Raises:
        NormeqError: no series with enough lengths.
    """
    rows: list[dict[str, object]] = []
    values = read_published(published, "published_psnr.csv") if published else None
    # The repeats draw their noise point by point: in an order that does not hang on the names of networks.
    fitted = points[points["fitted"]].sort_values(["mpx", "variant"], kind="stable")
    for (of, dataset), group in fitted.groupby(["series", "dataset"], sort=False):
        variants = sorted(group["variant"].unique(), key=VARIANT_ORDER.index)
        which = group["variant"].map(variants.index).to_numpy()
        try:
            law = fit_law(which, group["mpx"], group["psnr"], group["seeds"])
        except ValueError:
            continue
        same = bool((group["published_as"] == ARCHITECTURE).all())
        sigma = group["sigma"].iloc[0]
        levels = [_published(values if same else None, variant, dataset, sigma) for variant in variants]
        lengths = np.array([_published_mpx(variant) if same else np.nan for variant in variants])
        others = repeated(law, which, group["mpx"], trainings=group["seeds"])
        every = np.arange(len(variants))
        found = {
            "limit": (law.limits, [other.limits for other in others]),
            "exponent": (np.full(len(variants), law.exponent), [0 * every + o.exponent for o in others]),
            "there": (law(lengths)[every, every], [other(lengths)[every, every] for other in others]),
            "mpx_to_published": (law.pixels_to(levels), [other.pixels_to(levels) for other in others]),
        }
        for i, variant in enumerate(variants):
            row = {"series": of, "network": _shared_name(group["network"]), "dataset": dataset}
            row |= {"variant": variant, "factor": law.factors[i]}
            row |= {name: group[name].iloc[0] for name in ("train_sigma", "recipe", "built")}
            row |= {"spread": law.spread, "published": levels[i], "published_mpx": lengths[i]}
            for name, (value, again) in found.items():
                low, high = _percentiles(np.array([one[i] for one in again]))
                row |= {name: value[i], f"{name}_low": low, f"{name}_high": high}
            rows.append(row)
    if not rows:
        raise NormeqError(f"law: no network was trained at {LENGTHS} lengths or more, all else alike")
    fits = pd.DataFrame(rows)
    names: dict[str, str] = {}
    for row in fits.drop_duplicates("series").to_dict("records"):
        name = f"{row['network']}, σ = {row['train_sigma']}, {row['recipe']}"
        again = sum(one.startswith(name) for one in names.values())
        names[row["series"]] = f"{name} ({again + 1})" if again else name
    fits.insert(1, "law", fits["series"].map(names))
    return fits


def _shared_name(names: pd.Series) -> str:
    """What networks are called that have their lengths in their names: ``net`` of net.10M and net.41M."""
    every = list(dict.fromkeys(names))
    shared = os.path.commonprefix(every)
    return (shared if shared in every else shared.rstrip("0123456789").rstrip("._- ")) or every[0]


def law_curves(points: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Every number of the figure.

    Returns:
        kind (point, law, published), law (its name), dataset, variant, mpx (million pixels), psnr (dB); for
        points also network, train_sigma, images, fitted and more of :func:`law_points`; for laws exponent.
        Beside a law stand the points of all trainings of its network at its noise level.
    """
    parts = []
    for one in fits.drop_duplicates("law").to_dict("records"):
        of_law = points["series"] == one["series"]
        beside = (points["built"] == one["built"]) & (points["train_sigma"] == one["train_sigma"])
        seen = points[of_law | (beside & ~points["fitted"])].assign(kind="point", law=one["law"])
        parts.append(seen.drop(columns=["series", "sigma", "built", "published_as"]))
    last = np.nanmax([points["mpx"].max(), *fits["published_mpx"]]) * 1.5
    for fit in fits.to_dict("records"):
        own = points[(points["series"] == fit["series"]) & points["fitted"]]
        mpx = np.geomspace(own["mpx"].min() / 1.3, last, 60)
        label = {name: fit[name] for name in ("law", "dataset", "variant")}
        psnr = psnr_after(mpx, fit["limit"], fit["factor"], fit["exponent"])
        parts.append(
            pd.DataFrame({"mpx": mpx, "psnr": psnr}).assign(kind="law", exponent=fit["exponent"], **label)
        )
        if fit["published"] > 0:
            here = {"mpx": [fit["published_mpx"]], "psnr": [fit["published"]]}
            parts.append(pd.DataFrame(here).assign(kind="published", **label))
    numbers = pd.concat(parts, ignore_index=True)
    front = ["kind", "law", "dataset", "variant", "network", "train_sigma", "mpx", "psnr"]
    return numbers[[*front, *[column for column in numbers.columns if column not in front]]]


def _percentiles(values: NDArray[np.float64]) -> Sequence[float]:
    tail = (1 - CONFIDENCE) / 2
    return np.quantile(values, [tail, 1 - tail], method="inverted_cdf")  # no mean with infinity


def _published(values: pd.DataFrame | None, variant: str, dataset: str, sigma: float) -> float:
    """The printed PSNR of the paper's network in one variant; the higher where it is printed twice."""
    if values is None:
        return float("nan")
    rows = printed(at_sigma(values[values["architecture"] == ARCHITECTURE], sigma, dataset))
    names = get_variant(variant).published_names
    rows = rows[
        [names.get(paper) == name for paper, name in zip(rows["paper"], rows["variant"], strict=True)]
    ]
    return float(rows["value"].max()) if len(rows) else float("nan")


def _published_mpx(variant: str) -> float:
    recipe = get_variant(variant).published_recipe
    return recipe["steps"] * recipe["batch"] * recipe["patch"] ** 2 / 1e6 if recipe else float("nan")
