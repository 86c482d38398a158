"""The tuning table: what the choice of a range brings to networks that are not equivariant to it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from normeq.suite.analysis import notebook
from normeq.suite.results.leaks import leak_note, with_leak_free
from normeq.suite.results.long_tables import IDENTITY, read_tuning
from normeq.suite.results.names import dataset_name, measured_on, part_note, protocol_note, variant_name
from normeq.suite.statistics.means import paired, per_image, summarise
from normeq.suite.tables.formats import Table, by_sigma, signed, with_interval

# How a range is chosen -> the rows of the long table among which the best PSNR is taken.
METHODS = {
    "none": ["none"],
    "known": ["known"],
    "scale": ["none", "known", "scale"],
    "shift": ["none", "shift"],
}
NAMES = {
    "none": "as it is",
    "known": "scale tuning, λ = σ/σ_train",
    "scale": "scale tuning, oracle",
    "shift": "shift tuning, oracle",
}
KEYS = [*IDENTITY, "dataset", "sigma", "method"]
MEASUREMENT = [*IDENTITY, "seed", "dataset", "image", "sigma", "draw"]


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """One row per measurement and method: for an oracle the λ or μ with the best PSNR on that very image.

    Args:
        table: as :func:`normeq.suite.results.long_tables.read_tuning` gives it.

    Returns:
        the columns of the table, with ``method`` in place of ``tuning``; methods that were not tried are left
        out.
    """
    parts = []
    for method, members in METHODS.items():
        tried = table[table["tuning"].isin(members)]
        tuned = table.loc[table["tuning"] == method, IDENTITY].drop_duplicates()
        tried = tried.merge(tuned, on=IDENTITY)
        best = tried.loc[tried.groupby(MEASUREMENT, sort=False)["psnr"].idxmax()]
        parts.append(best.drop(columns="tuning").assign(method=method))
    return pd.concat(parts, ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean PSNR of every method, its gain over the denoiser as it is, and its distance to the norm variant.

    Returns:
        network, variant, train_sigma, dataset, sigma, method, psnr, gain, gap (dB; each with _low and _high,
        95 % intervals over images; gap: minus the norm variant of the same network and training level, as it
        is, NaN without one), scale, shift (medians of what was chosen), images, seeds, draws.
    """
    picked = chosen(table)
    images = per_image(picked, "psnr", KEYS)
    plain = images[images["method"] == "none"]
    norm = picked[(picked["method"] == "none") & (picked["variant"] == "norm")]
    on = ["network", "train_sigma", "dataset", "sigma", "image", "seed", "draw"]
    parts = {
        "psnr": images,
        "gain": paired(images, plain, "psnr", [*IDENTITY, "dataset", "sigma", "image"]),
        "gap": per_image(paired(picked, norm, "psnr", on), "psnr", KEYS),
    }
    result = None
    for name, values in parts.items():
        columns = {"mean": name, "low": f"{name}_low", "high": f"{name}_high"}
        part = summarise(values, "psnr", KEYS).rename(columns=columns)
        if result is None:
            result = part
        else:
            result = result.merge(part[[*KEYS, *columns.values()]], on=KEYS, how="left")
    medians = picked.groupby(KEYS, as_index=False, sort=False)[["scale", "shift"]].median()
    result = result.merge(medians, on=KEYS)
    order = {key: i for i, key in enumerate(map(tuple, table[IDENTITY].drop_duplicates().to_numpy()))}
    ranks = pd.DataFrame(
        {
            "dataset": result["dataset"].map(list(table["dataset"].unique()).index),
            "denoiser": [order[key] for key in result[IDENTITY].itertuples(index=False, name=None)],
            "method": result["method"].map(list(METHODS).index),
            "sigma": result["sigma"],
        }
    )
    result = result.loc[ranks.sort_values(list(ranks.columns)).index].reset_index(drop=True)
    counts = ["images", "seeds", "draws"]
    return result[[column for column in result.columns if column not in counts] + counts]


def label(network: str, variant: str, method: str) -> str:
    """``ordinary, scale tuning, oracle``; a denoiser as it is goes by its name alone."""
    name = variant_name(variant, network)
    return name if method == "none" else f"{name}, {NAMES[method]}"


def make(path: Path, published: Path | None = None) -> Table:
    """Build the table from ``tuning.csv``; published values of single images are notes."""
    table = with_leak_free(read_tuning(path))
    numbers = summary(table)
    sigmas = sorted(numbers["sigma"].unique())
    several = numbers.loc[numbers["variant"] != "other", "network"].nunique() > 1
    rows = []
    for key, group in numbers.groupby(["dataset", *IDENTITY, "method"], sort=False):
        dataset, network, variant, trained, method = key
        name = label(network, variant, method)
        if several and variant != "other":
            name = f"{network}, {name}"
        row = {
            "data set": dataset_name(dataset),
            "denoiser": name,
            "train σ": trained.replace("-", "–") or "–",
        }
        rows.append(row | by_sigma(group, sigmas, _cell))
    return Table(
        name="tuning",
        numbers=numbers,
        shown=pd.DataFrame(rows),
        title="What the choice of a range brings without equivariance: mean PSNR in dB (gain; median λ or μ)",
        notes=(
            f"{measured_on(numbers)}{part_note(table)}. {protocol_note(table)}",
            "Scale tuning is λ·f(y/λ), shift tuning f(y − μ) + μ. An oracle takes, for each image, the λ or"
            " μ of the config with the best PSNR: it needs the clean image, so no method can use it.",
            "λ = σ/σ_train needs σ. What is equivariant gains nothing from tuning and is not tuned.",
            *(notebook.tuning(published) if published else []),
            *leak_note(numbers),
        ),
    )


def _cell(row: pd.Series) -> str:
    nan = float("nan")
    text = with_interval(row["psnr"], nan, nan)
    if row["method"] == "none":
        return text
    symbol, value = ("μ", row["shift"]) if row["method"] == "shift" else ("λ", row["scale"])
    return f"{text} ({signed(row['gain'])}; {symbol} = {value:.2g})".replace("-", "−")
