"""The law table: PSNR against the pixels trained on, its limit, and what that says of published lengths."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.analysis.law import law_points, laws
from normeq.suite.formats.numbers import fixed, with_interval
from normeq.suite.formats.table import Table, dataset_order
from normeq.suite.results.names import dataset_name, measured_on, variant_name
from normeq.suite.tables.registry import TableKind
from normeq.training.lengths import WARM_UP

TABLE = TableKind(
    help="PSNR against the pixels trained on, with a fitted law.",
    order=78,
    reads="noise_levels.csv",
    published=True,
    when="has_series_of_lengths",
    otherwise="the config has no network trained at enough lengths, all else alike",
)


def make(path: Path, published: Path | None = None) -> Table:
    """Build the table from ``noise_levels.csv``, the runs beside it and, if given, published values."""
    points = law_points(path)
    fits = laws(points, published)
    points = points[points["series"].isin(fits["series"])]
    lengths = sorted(points["mpx"].unique())
    several = fits["law"].nunique() > 1
    rows = []
    for fit in fits.to_dict("records"):
        own = points[
            (points["series"] == fit["series"])
            & (points["dataset"] == fit["dataset"])
            & (points["variant"] == fit["variant"])
        ].set_index("mpx")["psnr"]
        rows.append(
            {"data set": dataset_name(fit["dataset"])}
            | ({"law": fit["law"]} if several else {})
            | {"variant": variant_name(fit["variant"], "")}
            | {f"{mpx:.0f} Mpx": fixed(own.get(mpx, float("nan"))) for mpx in lengths}
            | {
                "limit": _range(fit, "limit"),
                "at the published length": _range(fit, "there"),
                "published": fixed(fit["published"]),
                "pixels to the published": pixels(fit, "mpx_to_published"),
                "published length": f"{fit['published_mpx'] / 1e3:.0f} Gpx"
                if fit["published_mpx"] > 0
                else "–",
            }
        )
    exponents = "; ".join(
        (f"{law}: " if several else "")
        + f"{dataset_name(dataset)} {_range(rows.iloc[0].to_dict(), 'exponent')}, "
        + f"trainings spread by {rows['spread'].iloc[0]:.3f} dB"
        for (law, dataset), rows in fits.groupby(["law", "dataset"], sort=False)
    )
    step = "" if several else f"; {points['recipe'].iloc[0]} a step"
    shown_published = bool((fits["published"] > 0).any())
    return Table(
        name="law",
        numbers=fits.drop(columns=["series", "built"]),
        shown=dataset_order(pd.DataFrame(rows), fits["dataset"].map(dataset_name)),
        title="PSNR (dB) at the noise level of training against the pixels trained on, and its limit",
        notes=(
            f"{measured_on(points)}{step}.",
            f"Law: PSNR = limit − c · pixels^(−exponent), one exponent for all variants: {exponents}. "
            "A mean of several seeds counts as so many trainings.",
            "Interval: 95 % over trainings, by repeating the fit with noise of their spread; it says "
            "nothing of other laws, and beyond the longest training all is extrapolated.",
            *(["Published: Saied & Fleuret 2026, the higher of their tables."] if shown_published else []),
            f"Left out of the fit: trainings of which warm-up takes more than {WARM_UP:.0%}. "
            "Mpx, Gpx: million, billion pixels.",
        ),
    )


def _range(fit: dict, name: str) -> str:
    return with_interval(fit[name], fit[f"{name}_low"], fit[f"{name}_high"])


def pixels(fit: dict, name: str) -> str:
    """Such as ``3.1 [1.2, never] Gpx``."""

    def one(mpx: float) -> str:
        return "never" if mpx == float("inf") else f"{mpx / 1e3:.2g}" if mpx < 9.95e4 else f"{mpx / 1e3:.0f}"

    if not fit[name] > 0:
        return "–"
    return f"{one(fit[name])} [{one(fit[f'{name}_low'])}, {one(fit[f'{name}_high'])}] Gpx"
