"""Whether a config measures what its claims are about, asked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from normeq.errors import NormeqError
from normeq.suite.claims.registry import claim_kinds
from normeq.suite.claims.spec import Claim
from normeq.suite.measuring.registry import all_measurements
from normeq.suite.results.leaks import LEAKED
from normeq.training.spec import RunSpec


def check_testable(
    where: str,
    entry: dict[str, Any],
    config: dict[str, Any],
    runs: Sequence[RunSpec],
    shipped: Sequence[RunSpec],
) -> None:
    """Refuse a claim that no result of the config could decide.

    What every kind has is looked at here: data sets, noise level, networks, training level, variants. The
    rest is left to ``check(claim, config, networks, fail)`` of the kind: ``networks`` are those that the
    claim is about, and ``fail(key, message)`` refuses it.

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

    def fail(key: str, message: str) -> None:
        raise NormeqError(f"{where}{'.' if key else ''}{key}: {message}")

    if entry["bound"] == "within" and entry["threshold"] < 0:
        fail("threshold", f"nothing lies within ±{entry['threshold']:g}; give its size")
    claim = Claim.from_dict(entry)
    kind = claim_kinds()[claim.kind]
    key, measured = f"evaluate.{kind.measurement}", config["evaluate"][kind.measurement]
    datasets = measured.get("datasets", [])
    leak_free = [name for dataset, (_, name) in LEAKED.items() if dataset in datasets]
    for name in claim.on_datasets:
        if name not in (*datasets, *leak_free):
            fail("datasets", f"{name} is not in {key}.datasets ({', '.join(datasets)})")
    if claim.at_sigma is not None and claim.at_sigma not in measured["sigmas"]:
        sigmas = ", ".join(f"{sigma:g}" for sigma in measured["sigmas"])
        fail("sigma", f"{claim.at_sigma:g} is not in {key}.sigmas ({sigmas})")
    known = [*_measured(kind.measurement, config, runs), *shipped]
    networks = _networks(where, entry, claim, key, known)
    if kind.check is not None:
        kind.check(claim, config, networks, fail)


def _networks(
    where: str, entry: dict[str, Any], claim: Claim, key: str, networks: Sequence[RunSpec]
) -> list[RunSpec]:
    """Those that the claim is about. Some network must be there in all its variants, with one training level
    and seed."""
    if not networks:
        raise NormeqError(f"{where}: the config has no network for {key}")
    chosen = [spec for spec in networks if claim.network in (None, spec.network["name"])]
    if not chosen:
        names = _words(spec.network["name"] for spec in networks)
        raise NormeqError(f"{where}.network: {claim.network!r} is none of the networks of {key} ({names})")
    levels = _words(spec.sigma_label for spec in chosen)
    chosen = [spec for spec in chosen if claim.trained_at in (None, spec.sigma_label)]
    if not chosen:
        own = "train_sigma" in entry  # a level without it is of networks trained where they are tested
        raise NormeqError(
            f"{where}.{'train_sigma' if own else 'sigma'}: no network of {key} is trained at "
            f"{claim.trained_at} (there are {levels}){'' if own else '; give train_sigma'}"
        )
    there = {spec.variant for spec in chosen}
    for name, value in entry.items():
        if name in ("of", "over", "variant") and value not in there:
            variants = _words(spec.variant for spec in chosen)
            raise NormeqError(f"{where}.{name}: none of its networks is {value} (there are {variants})")
    alike: dict[tuple[str, str, int], set[str]] = {}
    for spec in chosen:
        alike.setdefault((spec.network["name"], spec.sigma_label, spec.seed), set()).add(spec.variant)
    if not any(variants.issuperset(claim.variants) for variants in alike.values()):
        raise NormeqError(
            f"{where}: no network is both {' and '.join(claim.variants)}, with one training level and seed"
        )
    return [spec for spec in chosen if spec.variant in claim.variants]


def _measured(measurement: str, config: dict[str, Any], runs: Sequence[RunSpec]) -> list[RunSpec]:
    """Runs that a measurement may be of (see the key ``shown``)."""
    of = all_measurements()[measurement].of
    if of == "every":
        return list(runs)
    if config["shown"] == "trained":
        return []
    settings = [config["train"], *config["networks"]] if runs else []
    if any(part.get("missing") == "skip" for part in settings):
        return list(runs)  # the first may be left out, and then another is the first
    first: dict[str, RunSpec] = {}
    for spec in runs:
        if not first or of == "each":
            first.setdefault(spec.network["name"], spec)
    return [
        spec
        for spec in runs
        for chosen in [first.get(spec.network["name"])]
        if chosen and (spec.sigma, spec.seed) == (chosen.sigma, chosen.seed)
    ]


def _words(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
