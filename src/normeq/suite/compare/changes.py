"""Two long tables measurement by measurement: A before, B after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from normeq.errors import NormeqError
from normeq.suite.results.csv_files import read_csv
from normeq.suite.results.long_tables import (
    CONDITION,
    IDENTITY,
    SERIES,
    read_heatmap,
    read_intervals,
    read_noise_levels,
    read_protocols,
    read_tuning,
)
from normeq.suite.results.same_pixels import check_pixels
from normeq.suite.statistics.means import paired, per_image, summarise
from normeq.suite.statistics.significance import holm, signed_rank

KINDS = {  # kind of table -> columns that name a condition, how it is read
    "noise levels": (CONDITION, read_noise_levels),
    "intervals": ([*CONDITION, "a", "b"], read_intervals),
    "scales and shifts": ([*CONDITION, "scale", "shift"], read_heatmap),
    "tunings": ([*CONDITION, "tuning", "scale", "shift"], read_tuning),
    "protocols": ([*CONDITION, "protocol"], read_protocols),
}


@dataclass(frozen=True)
class Comparison:
    """What changed from A to B; a condition is a denoiser on a data set at a noise level (and an interval).

    Attributes:
        kind: key of :data:`KINDS`.
        measurements: how many are in both tables.
        unchanged: how many of these have the same PSNR (and SSIM, where both have it) to the last digit.
        conditions: how many are in both tables.
        moved: how many of these have a measurement that changed.
        changed: a row per condition and quantity with a measurement that changed: columns of the condition,
            quantity (psnr, ssim), mean_a, mean_b, mean, low, high (B - A paired by image, 95 % interval over
            images; PSNR in dB), p (Wilcoxon signed-rank over images), p_holm (corrected over the conditions
            of the series, the unchanged ones too), tests (how many these are), images, seeds, draws.
        ranks: conditions whose rank among the denoisers of both tables changed: columns of the condition,
            rank_a, rank_b (1 is the highest mean PSNR), of.
        only_a, only_b: columns of the condition, count: measurements that the other table does not have.
        origins: what else differs, one line each: protocol, weights under the same name, and what measured.
    """

    kind: str
    measurements: int
    unchanged: int
    conditions: int
    moved: int
    changed: pd.DataFrame
    ranks: pd.DataFrame
    only_a: pd.DataFrame
    only_b: pd.DataFrame
    origins: tuple[str, ...]


def compare(a: Path, b: Path, rename: Mapping[str, str] | None = None) -> Comparison:
    """Compare two tables of one kind.

    Args:
        rename: networks of ``a`` that are called otherwise in ``b``: name in ``a`` -> name in ``b``.

    Raises:
        NormeqError: a table is missing or malformed, or they are of two kinds, have nothing in common, or
            have different pictures under one name; a network to rename is not in ``a``, its new name not in
            ``b``, or another network has that name.
    """
    kind = table_kind(a)
    if table_kind(b) != kind:
        raise NormeqError(f"{a} is over {kind}, {b} over {table_kind(b)}; compare tables of one kind")
    keys, read = KINDS[kind]
    rename = dict(rename or {})
    whole_a, whole_b = read(a), read(b)
    if "normalise" in whole_a and whole_a["normalise"].iloc[0] != whole_b["normalise"].iloc[0]:
        sent = [f"{path} has {x['normalise'].iloc[0]}" for path, x in ((a, whole_a), (b, whole_b))]
        raise NormeqError(f"normalise differs ({', '.join(sent)}): other things went to a and b")
    on = [*keys, "seed", "image", "draw"]
    whole_a = _renamed(whole_a, whole_b, rename, on, (a, b))
    check_pixels({a: whole_a, b: whole_b})
    values = ["psnr", *(["ssim"] if {"ssim"} <= set(whole_a) & set(whole_b) else [])]
    before, after = whole_a[[*on, *values]], whole_b[[*on, *values]]
    common = before.merge(after, on=on, suffixes=("_a", "_b"), validate="one_to_one")
    if common.empty:
        raise NormeqError(f"{a} and {b} have no measurement in common")
    differs = {value: common[f"{value}_a"] != common[f"{value}_b"] for value in values}
    moved = pd.concat(differs, axis=1).any(axis=1)
    images = {value: [_side(common, value, x, on, keys) for x in "ab"] for value in values}
    changed = [
        _changes(*images[value], value, common.loc[differs[value], keys].drop_duplicates(), keys)
        for value in values
    ]
    return Comparison(
        kind=kind,
        measurements=len(common),
        unchanged=int((~moved).sum()),
        conditions=len(common[keys].drop_duplicates()),
        moved=len(common.loc[moved, keys].drop_duplicates()),
        changed=pd.concat(changed, ignore_index=True),
        ranks=_ranks(*images["psnr"], keys),
        only_a=_missing(before, after, on, keys),
        only_b=_missing(after, before, on, keys),
        origins=(
            *(f"Network {old} of A is compared with {new} of B." for old, new in rename.items()),
            *_protocols(whole_a, whole_b),
            *_weights(whole_a[~whole_a["network"].isin(rename.values())], whole_b),
            *_machines(whole_a, whole_b),
        ),
    )


def _renamed(
    before: pd.DataFrame, after: pd.DataFrame, rename: dict[str, str], on: list[str], paths: tuple[Path, Path]
) -> pd.DataFrame:
    """A with the names of B."""
    for path, table, names in ((paths[0], before, rename), (paths[1], after, rename.values())):
        known = list(dict.fromkeys(table["network"]))
        for name in names:
            if name not in known:
                raise NormeqError(f"--rename: {path} has no network {name!r}, only {', '.join(known)}")
    table = before.assign(network=before["network"].map(lambda name: rename.get(name, name)))
    twice = table.loc[table.duplicated(on), "network"]
    if len(twice):
        raise NormeqError(f"--rename: {paths[0]} would then have two networks called {twice.iloc[0]!r}")
    return table


def _side(common: pd.DataFrame, value: str, side: str, on: list[str], keys: list[str]) -> pd.DataFrame:
    """One value per image of A or of B."""
    return per_image(common.rename(columns={f"{value}_{side}": value})[[*on, value]], value, keys)


def _changes(
    before: pd.DataFrame, after: pd.DataFrame, value: str, moved: pd.DataFrame, keys: list[str]
) -> pd.DataFrame:
    """Rows of :attr:`Comparison.changed` for one quantity.

    Args:
        before, after: one value per image, of the same images.
        moved: the conditions that changed; the others are tested too, so that what is tested does not depend
            on what came out.
    """
    differences = paired(after, before, value, [*keys, "image"])
    tests = differences.groupby(keys, as_index=False, sort=False).agg(p=(value, signed_rank))
    for _, family in tests.groupby(SERIES, sort=False):  # conditions of a series are one family of tests
        tests.loc[family.index, "p_holm"] = pd.Series(holm(family["p"].to_dict()))
    tests["tests"] = tests.groupby(SERIES, sort=False)["p"].transform("size")
    changed = summarise(differences.merge(moved, on=keys), value, keys).merge(tests, on=keys)
    for side, table in (("a", before), ("b", after)):
        means = table.groupby(keys, as_index=False, sort=False)[value].mean()
        changed = changed.merge(means.rename(columns={value: f"mean_{side}"}), on=keys)
    counts = ["images", "seeds", "draws"]
    columns = [*keys, "mean_a", "mean_b", "mean", "low", "high", "p", "p_holm", "tests", *counts]
    return changed[columns].assign(quantity=value)


def table_kind(path: Path) -> str:
    """Key of :data:`KINDS`, by the columns.

    Raises:
        NormeqError: the file is missing or no long table.
    """
    table = read_csv(path)
    columns = set(table.columns)
    if "tuning" in columns:
        return "tunings"
    if {"scale", "shift", "psnr"} <= columns:
        return "scales and shifts"
    if {"a", "b"} <= columns:
        return "intervals"
    if "ssim" in columns:
        several = "protocol" in columns and table["protocol"].nunique() > 1
        return "protocols" if several else "noise levels"
    raise NormeqError(
        f"{path} is no long table: noise_levels.csv and protocols.csv have a column ssim, intervals.csv a "
        "and b, heatmap.csv scale and shift, tuning.csv tuning"
    )


def _protocols(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    if not {"protocol"} <= set(before) & set(after):
        return []
    a, b = (", ".join(sorted(set(table["protocol"]))) for table in (before, after))
    return [] if a == b else [f"Protocols differ: A {a}, B {b}. Differences are the protocol's too."]


def _weights(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Networks that are called alike but are not the same."""
    if not {"weights"} <= set(before) & set(after):
        return []
    which = [*IDENTITY, "seed"]
    pairs = [table[[*which, "weights"]].drop_duplicates() for table in (before, after)]
    both = pairs[0].merge(pairs[1], on=which, suffixes=("_a", "_b"))
    other = both[both["weights_a"] != both["weights_b"]]
    names = [f"{row.network}/{row.variant}, seed {row.seed}" for row in other.itertuples()]
    return [f"Other weights under the same name: {'; '.join(names)}."] if names else []


def _machines(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Processors and versions, where both tables say them."""
    if not {"measured_by"} <= set(before) & set(after):
        return []
    a, b = (" and ".join(sorted(set(table["measured_by"]) - {""})) for table in (before, after))
    return [f"Measured by: A {a}, B {b}."] if a and b and a != b else []


def _ranks(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    where = keys[len(IDENTITY) :]  # denoisers are ranked within a data set and noise level (and interval)
    means = [t.groupby(keys, sort=False)["psnr"].mean().rename(x) for t, x in ((before, "a"), (after, "b"))]
    table = pd.concat(means, axis=1).rename(columns={"a": "mean_a", "b": "mean_b"}).reset_index()
    groups = table.groupby(where, sort=False)
    for side in "ab":
        table[f"rank_{side}"] = groups[f"mean_{side}"].rank(ascending=False, method="min").astype(int)
    table["of"] = groups["mean_a"].transform("size")
    return table[table["rank_a"] != table["rank_b"]].drop(columns=["mean_a", "mean_b"]).reset_index(drop=True)


def _missing(table: pd.DataFrame, other: pd.DataFrame, on: list[str], keys: list[str]) -> pd.DataFrame:
    """Measurements that ``other`` does not have, counted for each condition."""
    rows = table.merge(other[on], on=on, how="left", indicator="where")
    return rows[rows["where"] == "left_only"].groupby(keys, sort=False).size().rename("count").reset_index()
