"""Whether a config measures what its claims are about, asked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from normeq.errors import NormeqError
from normeq.nn.variants import get_variant
from normeq.suite.claims.spec import Claim
from normeq.suite.data.registry import find_folder
from normeq.suite.results.leaks import LEAKED
from normeq.suite.results.published import named_values, read_published
from normeq.training.spec import RunSpec

# Kind of claim -> what it is measured on, where that is not noise_levels.
MEASURED_ON = {
    "interval_loss": "intervals",
    "tuning_gain": "tuning",
    "defect": "certificate",
    "filters": "filters",
}


def check_testable(
    where: str,
    entry: dict[str, Any],
    config: dict[str, Any],
    runs: Sequence[RunSpec],
    shipped: Sequence[RunSpec],
) -> None:
    """Refuse a claim that no result of the config could decide.

    A network that is named but not trained yet is no reason: such a claim ends as ``not tested``.

    Args:
        where: what messages begin with, such as ``config: claims[3]``.
        entry: the claim as the config states it; what it is measured on is there.
        config: resolved (see :func:`normeq.suite.config.resolve.resolve`).
        runs: what the networks of the config are trained as, trained already or not.
        shipped: the same of the pretrained ones.

    Raises:
        NormeqError: one line that names the key.
    """
    if entry["bound"] == "within" and entry["threshold"] < 0:
        raise NormeqError(f"{where}.threshold: nothing lies within ±{entry['threshold']:g}; give its size")
    if entry["kind"] == "gain" and entry["of"] == entry["over"]:
        raise NormeqError(f"{where}.over: {entry['over']} is compared with itself")
    claim = Claim.from_dict(entry)
    kind = MEASURED_ON.get(claim.kind, "noise_levels")
    _check_settings(where, claim, f"evaluate.{kind}", config["evaluate"][kind], config["device"])
    networks = [*_with_filters(config, runs), *shipped] if kind == "filters" else [*runs, *shipped]
    _check_networks(where, entry, claim, f"evaluate.{kind}", networks)
    if claim.kind == "level":
        _check_published(where, claim, Path(config["data"]["dir"]))


def _check_settings(where: str, claim: Claim, key: str, measured: dict[str, Any], device: str) -> None:
    datasets = measured.get("datasets", [])
    leak_free = [name for dataset, (_, name) in LEAKED.items() if dataset in datasets]
    for name in claim.datasets:
        if name not in (*datasets, *leak_free):
            raise NormeqError(f"{where}.datasets: {name} is not in {key}.datasets ({', '.join(datasets)})")
    if claim.sigma is not None and claim.sigma not in measured["sigmas"]:
        raise NormeqError(f"{where}.sigma: {claim.sigma:g} is not in {key}.sigmas ({_g(measured['sigmas'])})")
    if claim.kind == "interval_loss":
        _check_intervals(where, claim, key, [tuple(pair) for pair in measured["intervals"]])
    if claim.kind == "defect":
        dtypes = measured["dtypes"]
        if dtypes and claim.dtype not in dtypes:
            raise NormeqError(f"{where}.dtype: {claim.dtype} is not in {key}.dtypes ({', '.join(dtypes)})")
        if claim.dtype == "tf32" and device == "cpu":
            raise NormeqError(f"{where}.dtype: only a GPU has tf32, and device is cpu")


def _check_intervals(where: str, claim: Claim, key: str, measured: list[tuple[float, float]]) -> None:
    if set(measured) == {(0, 1)}:
        raise NormeqError(f"{where}: {key}.intervals has only [0, 1], with which others are compared")
    for number, pair in enumerate(claim.intervals or ()):
        if pair == (0, 1):
            raise NormeqError(f"{where}.intervals[{number}]: [0, 1] is what others are compared with")
        if pair not in measured:
            raise NormeqError(f"{where}.intervals[{number}]: [{_g(pair)}] is not in {key}.intervals")


def _check_networks(
    where: str, entry: dict[str, Any], claim: Claim, key: str, networks: Sequence[RunSpec]
) -> None:
    """Some network must be there in all variants of the claim, with one training level and seed."""
    if not networks:
        raise NormeqError(f"{where}: the config has no network for {key}")
    chosen = [spec for spec in networks if claim.network in (None, spec.network["name"])]
    if not chosen:
        names = _words(spec.network["name"] for spec in networks)
        raise NormeqError(f"{where}.network: {claim.network!r} is none of the networks of {key} ({names})")
    levels = _words(spec.sigma_label for spec in chosen)
    chosen = [spec for spec in chosen if claim.train_sigma in (None, spec.sigma_label)]
    if not chosen:
        own = "train_sigma" in entry  # a level without it is of networks trained where they are tested
        raise NormeqError(
            f"{where}.{'train_sigma' if own else 'sigma'}: no network of {key} is trained at "
            f"{claim.train_sigma} (there are {levels}){'' if own else '; give train_sigma'}"
        )
    if claim.kind == "tuning_gain":
        chosen = _tuned(where, claim, chosen)
    for name in ("of", "over", "variant"):
        if name in entry and entry[name] not in {spec.variant for spec in chosen}:
            raise NormeqError(
                f"{where}.{name}: none of its networks is {entry[name]} (there are "
                f"{_words(spec.variant for spec in chosen)})"
            )
    alike: dict[tuple[str, str, int], set[str]] = {}
    for spec in chosen:
        alike.setdefault((spec.network["name"], spec.sigma_label, spec.seed), set()).add(spec.variant)
    if not any(variants.issuperset(claim.variants) for variants in alike.values()):
        raise NormeqError(
            f"{where}: no network is both {' and '.join(claim.variants)}, with one training level and seed"
        )


def _tuned(where: str, claim: Claim, networks: list[RunSpec]) -> list[RunSpec]:
    """Those on which a tuning is tried."""
    [variant] = claim.variants
    if ("shift" if claim.aspect == "shift" else "scale") not in get_variant(variant).tuned:
        raise NormeqError(f"{where}.tuning: {claim.aspect} is not tried on {variant}, which it cannot change")
    if claim.aspect != "known":
        return networks
    single = [spec for spec in networks if spec.sigma_range[0] == spec.sigma_range[1]]
    if not single:
        raise NormeqError(f"{where}.tuning: known needs a network trained at one noise level")
    return single


def _with_filters(config: dict[str, Any], runs: Sequence[RunSpec]) -> list[RunSpec]:
    """Runs of which filters may be measured (see the key ``shown``)."""
    if config["shown"] == "trained" or not runs:
        return []
    settings = [config["train"], *config["networks"]]
    if any(part.get("missing") == "skip" for part in settings):
        return list(runs)  # the first may be left out, and then another is the first
    first = runs[0]
    return [
        spec
        for spec in runs
        if (spec.network["name"], spec.sigma, spec.seed) == (first.network["name"], first.sigma, first.seed)
    ]


def _check_published(where: str, claim: Claim, data_dir: Path) -> None:
    try:
        psnr = read_published(find_folder(data_dir) / "published", "published_psnr.csv")
    except NormeqError as error:
        raise NormeqError(f"{where}.published: {error}") from None
    for dataset in claim.datasets:
        rows = named_values(psnr, claim.published, dataset, claim.sigma)
        if rows.empty:
            raise NormeqError(
                f"{where}.published: no verified value of {claim.published['paper']} "
                f"{claim.published['method']} on {dataset} at σ = {claim.sigma:g}"
            )
        if rows["value"].nunique() > 1:
            places = "; ".join(f"{row.value:g} ({row.source})" for row in rows.itertuples())
            raise NormeqError(f"{where}.published: several values on {dataset}, give source: {places}")


def _g(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _words(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
