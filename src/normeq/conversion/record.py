"""What a conversion was asked for, and what it did, could not do and could not see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from normeq.nn.affine import Constraint

To = Literal["norm", "scale"]


@dataclass(frozen=True)
class Flow:
    """What is known of the numbers at some place of a network.

    Attributes:
        dims: axes behind the channels, 2 for images (N, C, H, W), 0 for features (…, C); None if unknown.
        channels: how many; None if unknown.
    """

    dims: int | None = None
    channels: int | None = None


UNKNOWN = Flow()


@dataclass
class Record:
    """A conversion in progress.

    Attributes:
        to: ``norm`` or ``scale``.
        constraint: of affine kernels.
        padding_mode: what takes the place of zeros beyond a border.
        dims: axes behind the channels where nothing tells; None if the network has layers of several kinds.
        changes: what became of which part, one line each.
        refused: what has no equivariant twin, and why.
        unseen: what was left as it is without knowing whether it is equivariant.
    """

    to: To
    constraint: Constraint
    padding_mode: str
    dims: int | None = None
    changes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    @property
    def norm(self) -> bool:
        """Whether shifts must be followed too."""
        return self.to == "norm"

    def change(self, path: str, what: str, becomes: object) -> None:
        self.changes.append(f"{_at(path)}{what} → {becomes}")

    def refuse(self, path: str, what: str, why: str) -> None:
        self._once(self.refused, f"{_at(path)}{what}: {why}")

    def overlook(self, path: str, what: str, why: str) -> None:
        self._once(self.unseen, f"{_at(path)}{what}: {why}")

    @staticmethod
    def _once(lines: list[str], line: str) -> None:
        if line not in lines:
            lines.append(line)


@dataclass(frozen=True)
class Conversion:
    """What :func:`normeq.convert` did; the attribute ``conversion`` of the twin.

    Attributes:
        to: ``norm`` or ``scale``.
        changes: what became of which part, one line each.
        unseen: what was left as it is, and was judged by the numerical test alone.
        tested: the shapes of the inputs of that test; empty if there was none.
    """

    to: To
    changes: tuple[str, ...]
    unseen: tuple[str, ...] = ()
    tested: tuple[tuple[int, ...], ...] = ()

    def __str__(self) -> str:
        return "\n".join([*self.changes, *(f"not seen: {line}" for line in self.unseen)])


def _at(path: str) -> str:
    return f"{path} " if path else ""
