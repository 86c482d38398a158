"""A claim as a config states it: the keys that every kind has, and the reading of configs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from normeq.errors import NormeqError
from normeq.suite.claims.registry import claim_kinds
from normeq.suite.config.resolve import resolve
from normeq.suite.config.settings import LeftOut, Settings
from normeq.suite.config.yaml_files import load_yaml
from normeq.suite.results.names import VARIANTS

Level = Annotated[float, Field(gt=0, le=255)]
Bound = Annotated[float, Field(ge=0, le=255)]
TrainSigma = Level | tuple[Bound, Bound]
Variant = Annotated[Literal[tuple(VARIANTS)], Field(description="The variant that it is about.")]


class Claim(Settings):
    """What every claim says; each kind has more (see :class:`normeq.suite.claims.registry.ClaimKind`): the
    ``kind`` itself, one ``variant`` or several, perhaps ``datasets`` and ``sigma``."""

    id: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$", description="Short name, each once.")]
    claim: Annotated[str, Field(min_length=1, description="The statement, as a sentence.")]
    network: Annotated[
        str | None,
        Field(description="One of networks; without it there is a verdict for each."),
        LeftOut(),
    ] = None
    train_sigma: Annotated[
        TrainSigma | None,
        Field(description="Training noise level, a number or [low, high]; each has a verdict without it."),
        LeftOut(),
    ] = None
    bound: Annotated[
        Literal["at least", "at most", "within"],
        Field(
            description="Side of the threshold that is claimed; within means between -threshold and "
            "+threshold."
        ),
    ]
    threshold: Annotated[float, Field(description="In the unit of its kind.")]
    stated: Annotated[
        Literal["before", "after"],
        Field(
            description="Whether its threshold was fixed before or after the first results that it is about; "
            "tables mark and count what was stated after."
        ),
    ] = "before"

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that it is about."""
        return (self.variant,)

    @property
    def subject(self) -> str:
        """What is measured, as far as it is known without results."""
        return self.variants[0]

    @property
    def trained_at(self) -> str | None:
        """Label of the training level as the long tables write it (``25``, ``5-50``); None for each."""
        return level_label(self.train_sigma)

    @property
    def on_datasets(self) -> list[str]:
        """Data sets on which it is made; a verdict for each. Empty for what is measured on one image."""
        return getattr(self, "datasets", [])

    @property
    def at_sigma(self) -> float | None:
        """Test noise level in 8-bit units; None for that of the table."""
        return getattr(self, "sigma", None)

    @staticmethod
    def from_dict(entry: dict[str, Any]) -> Claim:
        """Read one entry of the config.

        Raises:
            NormeqError: an unknown or missing key, or a bad value; the message names the claim.
        """
        if not isinstance(entry, dict):
            raise NormeqError(f"claims: {entry!r} is not a claim; see docs/claims.md")
        name = f"claim {entry.get('id', '(without id)')!r}"
        kind = entry.get("kind")
        if not isinstance(kind, str) or kind not in claim_kinds():
            raise NormeqError(f"{name}: kind {kind!r} is not one of {', '.join(claim_kinds())}")
        found = claim_kinds()[kind]
        claim = found.stated.model_validate(resolve(entry, found.schema, name))
        if claim.bound == "within" and claim.threshold < 0:
            raise NormeqError(f"{name}: no value can be within {claim.threshold:g}")
        return claim


def level_label(train_sigma: float | tuple[float, float] | None) -> str | None:
    """A training noise level as the long tables write it: ``25``, ``5-50``; None for None."""
    if train_sigma is None:
        return None
    levels = train_sigma if isinstance(train_sigma, tuple) else [train_sigma]
    return "-".join(dict.fromkeys(f"{level:g}" for level in levels))


def read_claims(config: Path) -> list[Claim]:
    """The claims of a config file (as a user writes it, or as the workflow records it).

    Raises:
        NormeqError: the file is missing, not YAML, or has a bad claim or one id twice.
    """
    try:
        content = load_yaml(Path(config).read_bytes(), config)
    except FileNotFoundError:
        raise NormeqError(f"no such config: {config}") from None
    except OSError as error:
        raise NormeqError(f"cannot read {config}: {error}") from None
    entries = content.get("claims", []) if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise NormeqError(f"{config}: no list of claims in it")
    claims = [Claim.from_dict(entry) for entry in entries]
    ids = [claim.id for claim in claims]
    for name in ids:
        if ids.count(name) > 1:
            raise NormeqError(f"{config}: two claims have the id {name!r}")
    return claims
