"""What the choice of a range brings to networks that are not equivariant to it."""

from __future__ import annotations

import pandas as pd

from normeq.suite.results.long_tables import CONDITION, IDENTITY
from normeq.suite.results.names import variant_name
from normeq.suite.statistics.means import paired, per_image, summarise

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
KEYS = [*CONDITION, "method"]
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


def tuning_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean PSNR of every method, its gain over the denoiser as it is, and its distance to the norm variant.

    Returns:
        network, variant, train_sigma, dataset, sigma, method, psnr, gain, gap (dB; each with _low and _high,
        95 % intervals over images; gap: minus the norm variant of the same network and training level, as it
        is, NaN without one; gain and gap where image, seed and draw are the same), scale, shift (medians of
        what was chosen), images, seeds, draws, size (side of the middle of the images that was used, in
        pixels; 0 for all).
    """
    picked = chosen(table)
    images = per_image(picked, "psnr", KEYS)
    plain = picked[picked["method"] == "none"]
    norm = plain[plain["variant"] == "norm"]
    on = ["network", "train_sigma", "dataset", "sigma", "image", "seed", "draw"]
    parts = {
        "psnr": images,
        "gain": per_image(paired(picked, plain, "psnr", MEASUREMENT), "psnr", KEYS),
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
    result["size"] = table["size"].iloc[0] if "size" in table else 0
    counts = ["images", "seeds", "draws", "size"]
    return result[[column for column in result.columns if column not in counts] + counts]


def tuned_name(network: str, variant: str, method: str) -> str:
    """``ordinary, scale tuning, oracle``; a denoiser as it is goes by its name alone."""
    name = variant_name(variant, network)
    return name if method == "none" else f"{name}, {NAMES[method]}"
