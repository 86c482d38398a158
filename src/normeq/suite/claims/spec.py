"""A claim as the config states it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from normeq.errors import NormeqError
from normeq.suite.claims.settings import KINDS
from normeq.suite.config.resolve import resolve
from normeq.suite.config.schema import schema_of

UNITLESS = ("defect", "filters")  # the others are in dB
# Key of each kind that says of which tuning, change of range, or property of a filter it speaks.
ASPECTS = {"tuning_gain": "tuning", "defect": "change", "filters": "quantity"}


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        id: short name.
        claim: the statement.
        kind: a key of :data:`normeq.suite.claims.settings.KINDS`.
        datasets: data sets on which it is made; a verdict for each. Empty for what is measured on one image.
        bound: ``at least``, ``at most`` or ``within``.
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
        stated = KINDS[kind].model_validate(resolve(entry, schema_of(KINDS[kind]), name))
        if stated.bound == "within" and stated.threshold < 0:
            raise NormeqError(f"{name}: no value can be within {stated.threshold:g}")
        has = stated.model_dump(exclude_none=True)
        intervals = has.get("intervals")
        return cls(
            id=stated.id,
            claim=stated.claim,
            kind=kind,
            datasets=tuple(has.get("datasets", ())),
            bound=stated.bound,
            threshold=stated.threshold,
            variants=(has["of"], has["over"]) if kind == "gain" else (has["variant"],),
            network=stated.network,
            train_sigma=_label(has.get("train_sigma", has.get("sigma") if kind == "level" else None)),
            sigma=has.get("sigma"),
            intervals=None if intervals is None else tuple(map(tuple, intervals)),
            published=has.get("published"),
            aspect=has[ASPECTS[kind]] if kind in ASPECTS else None,
            dtype=has.get("dtype", "float32"),
            stated=stated.stated,
        )


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
