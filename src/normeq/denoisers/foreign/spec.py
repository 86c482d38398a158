"""What a network is, trained here or elsewhere, for tables and for the checks of a config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from normeq.training.spec import RunSpec


@dataclass(frozen=True)
class ImportedSpec:
    """An imported network, with those parts of a :class:`normeq.training.spec.RunSpec` that it has.

    Attributes:
        network: name, architecture and options.
        variant: ordinary, scale or norm.
        sigma_label: noise level of training in 8-bit units, as ``25`` or ``0-55``; "" if unknown.
        seed: "", nobody knows it.
    """

    network: dict[str, Any]
    variant: str
    sigma_label: str
    seed: str = ""

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Lowest and highest noise level; all of them if unknown."""
        low, _, high = (self.sigma_label or "0-255").partition("-")
        return float(low), float(high or low)


def spec_of(description: dict[str, Any]) -> RunSpec | ImportedSpec:
    """What a network is, from the description in its file.

    Raises:
        NormeqError: unknown or missing keys, each named.
    """
    if "imported" not in description:
        return RunSpec.from_dict(description)
    level = description["imported"]["train_sigma"]
    return ImportedSpec(description["network"], description["variant"], level)
