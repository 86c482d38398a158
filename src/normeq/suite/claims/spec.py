"""A claim as the config states it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from normeq.errors import NormeqError
from normeq.suite.results.names import VARIANTS

BOUNDS = ("at least", "at most", "within")
STATED = ("before", "after")
# Keys of each kind beside those of every claim: needed, then optional. The config schema says the same.
COMMON = ("id", "claim", "kind", "bound", "threshold")
OPTIONAL = ("network", "train_sigma", "stated")
KINDS = {
    "gain": (("datasets", "of", "over", "sigma"), OPTIONAL),
    "interval_loss": (("datasets", "variant"), (*OPTIONAL, "intervals")),
    "level": (("datasets", "variant", "sigma", "published"), OPTIONAL),
    "tuning_gain": (("datasets", "variant", "tuning", "sigma"), OPTIONAL),
    "defect": (("variant", "change"), (*OPTIONAL, "dtype")),
    "filters": (("variant", "quantity"), OPTIONAL),
}
UNITLESS = ("defect", "filters")  # the others are in dB
# Of which kind of tuning, change of range, or property of a filter a claim speaks: kind -> key, choices.
ASPECTS = {
    "tuning_gain": ("tuning", ("known", "scale", "shift")),
    "defect": ("change", ("scale", "shift", "joint")),
    "filters": ("quantity", ("sum", "unexplained")),
}


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        id: short name.
        claim: the statement.
        kind: one of :data:`KINDS`.
        datasets: data sets on which it is made; a verdict for each. Empty for what is measured on one image.
        bound: one of :data:`BOUNDS`.
        threshold: in dB, or without unit (:data:`UNITLESS`).
        variants: the variant, or for a gain the two (``of``, ``over``).
        network: only this one, or None for each of the table.
        train_sigma: label of the long tables (``25``, ``5-50``), or None for each of the table.
        sigma: test noise level in 8-bit units; None for ``interval_loss`` (the level of the table).
        intervals: only these (a, b), or None for all of the table.
        published: ``paper``, ``method`` and perhaps ``source`` and ``train_sigma`` of the published value
            (kind ``level``).
        aspect: see :data:`ASPECTS`.
        dtype: arithmetic (kind ``defect``).
        stated: whether its threshold was fixed ``before`` or ``after`` the first results that it is about.
    """

    id: str
    claim: str
    kind: str
    datasets: tuple[str, ...]
    bound: str
    threshold: float
    variants: tuple[str, ...]
    network: str | None = None
    train_sigma: str | None = None
    sigma: float | None = None
    intervals: tuple[tuple[float, float], ...] | None = None
    published: dict[str, str] | None = None
    aspect: str | None = None
    dtype: str = "float32"
    stated: str = "before"

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Claim:
        """Read one entry of the config.

        Raises:
            NormeqError: an unknown or missing key, or a bad value; the message names the claim.
        """
        if not isinstance(entry, dict):
            raise NormeqError(f"claims: {entry!r} is not a claim; see docs/claims.md")
        name = f"claim {entry.get('id', '(without id)')!r}"
        kind = entry.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            raise NormeqError(f"{name}: kind {kind!r} is not one of {', '.join(KINDS)}")
        needed, optional = KINDS[kind]
        for key in entry:
            if key not in (*COMMON, *needed, *optional):
                known = ", ".join((*COMMON, *needed, *optional))
                raise NormeqError(f"{name}: unknown key {key!r}; known keys are {known}")
        for key in (*COMMON, *needed):
            if key not in entry:
                raise NormeqError(f"{name}: the key {key!r} is missing")
        if entry["bound"] not in BOUNDS:
            raise NormeqError(f"{name}: bound {entry['bound']!r} is not one of {', '.join(BOUNDS)}")
        datasets = entry.get("datasets", [])
        if not isinstance(datasets, list | tuple) or not all(isinstance(d, str) for d in datasets):
            raise NormeqError(f"{name}: datasets must be a list of names, not {datasets!r}")
        for key in ("of", "over", "variant"):
            if key in entry and entry[key] not in VARIANTS:
                raise NormeqError(f"{name}: {key} {entry[key]!r} is not one of {', '.join(VARIANTS)}")
        published = entry.get("published")
        if "published" in needed and not (
            isinstance(published, dict) and {"paper", "method"} <= published.keys()
        ):
            raise NormeqError(f"{name}: published must name paper and method, got {published!r}")
        key, choices = ASPECTS.get(kind, (None, ()))
        if key and entry[key] not in choices:
            raise NormeqError(f"{name}: {key} {entry[key]!r} is not one of {', '.join(choices)}")
        stated = entry.get("stated", "before")
        if stated not in STATED:
            raise NormeqError(f"{name}: stated {stated!r} is not one of {', '.join(STATED)}")
        try:
            level = float(entry["sigma"]) if "sigma" in entry else None
            trained = _label(entry.get("train_sigma", level if kind == "level" else None))
            intervals = entry.get("intervals")
            threshold = float(entry["threshold"])
            if not math.isfinite(threshold) or (entry["bound"] == "within" and threshold < 0):
                raise ValueError(f"no value can be {entry['bound']} {threshold:g}")
            return cls(
                id=str(entry["id"]),
                claim=str(entry["claim"]),
                kind=kind,
                datasets=tuple(map(str, entry.get("datasets", ()))),
                bound=entry["bound"],
                threshold=threshold,
                variants=(entry["of"], entry["over"]) if kind == "gain" else (entry["variant"],),
                network=entry.get("network"),
                train_sigma=trained,
                sigma=level,
                intervals=None if intervals is None else tuple((float(a), float(b)) for a, b in intervals),
                published=None if published is None else dict(published),
                aspect=entry[key] if key else None,
                dtype=str(entry.get("dtype", "float32")),
                stated=stated,
            )
        except (TypeError, ValueError) as error:
            raise NormeqError(f"{name}: {error}") from None


def _label(train_sigma: float | list[float] | None) -> str | None:
    """As the long tables write it."""
    if train_sigma is None:
        return None
    levels = train_sigma if isinstance(train_sigma, list | tuple) else [train_sigma]
    return "-".join(dict.fromkeys(f"{float(level):g}" for level in levels))


def read_claims(config: Path) -> list[Claim]:
    """The claims of a config file (as a user writes it, or as the workflow records it).

    Raises:
        NormeqError: the file is missing, not YAML, or has a bad claim or one id twice.
    """
    try:
        content = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NormeqError(f"no such config: {config}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise NormeqError(f"cannot read {config}: {error}") from None
    except yaml.YAMLError as error:
        raise NormeqError(f"{config}: not YAML ({' '.join(str(error).split())})") from None
    entries = content.get("claims", []) if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise NormeqError(f"{config}: no list of claims in it")
    claims = [Claim.from_dict(entry) for entry in entries]
    ids = [claim.id for claim in claims]
    for name in ids:
        if ids.count(name) > 1:
            raise NormeqError(f"{config}: two claims have the id {name!r}")
    return claims
