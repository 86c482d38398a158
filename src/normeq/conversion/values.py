"""What the nodes of a traced graph are and hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import fx

from normeq.conversion.names import ZEROS
from normeq.conversion.record import UNKNOWN, Flow


@dataclass
class Value:
    """What a node of the graph holds: an ``image``, a ``fixed`` tensor or a ``number``."""

    kind: str
    flow: Flow = UNKNOWN


def name_of(node: fx.Node) -> str:
    if isinstance(node.target, str):
        return node.target.strip("_") if node.target.startswith("__") else node.target
    return getattr(node.target, "__name__", str(node.target))


def operands(node: fx.Node) -> list[Any]:
    """The two operands of a sum or product."""
    given = [node.kwargs[key] for key in ("input", "other") if key in node.kwargs]
    return [*node.args, *given][:2]


def stays_zero(operand: Any) -> bool:
    """Whether an operand is made of zeros here, and nothing else sees it that could write into it."""
    return isinstance(operand, fx.Node) and name_of(operand) in ZEROS and len(operand.users) == 1


def rank(value: Value) -> int:
    return ("number", "fixed", "image").index(value.kind)
