"""How files of other programs lay out their networks, and which is which."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from normeq.errors import NormeqError

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Plan:
    """A network of ours for the tensors of a file.

    Attributes:
        architecture, variant, options: as :func:`normeq.nn.build_network` takes them.
        theirs: from a key of ours to that of the file.
        unused: keys of the file that its network does not use.
        negated: keys of ours whose values have the other sign.
    """

    architecture: str
    variant: str
    options: dict[str, Any]
    theirs: Callable[[str], str]
    unused: re.Pattern[str] = field(default_factory=lambda: re.compile(r".*\.num_batches_tracked"))
    negated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Layout:
    """One way to lay out a network.

    Attributes:
        name, title: for options and for messages.
        keys: what each of its keys looks like.
        plan: from shapes by key to the plan of :func:`normeq.denoisers.foreign.convert.convert`; None where
            the shapes are those of another layout with the same keys. Raises KeyError with a key that it
            needs and that is missing.
    """

    name: str
    title: str
    keys: re.Pattern[str]
    plan: Callable[[Shapes, str | None], Plan | None]


class Undecided(Exception):
    """Keys and shapes fit several variants."""

    def __init__(self, variants: tuple[str, ...]) -> None:
        super().__init__(*variants)
        self.variants = variants


def recognise(
    shapes: Shapes, variant: str | None, source: str, named: str | None
) -> tuple[Layout, Plan, str]:
    """The layout of a file.

    Args:
        shapes: of its tensors, by key.
        variant: to decide between variants.
        source: its name, for messages.
        named: name of the layout, None to find it.

    Returns:
        Layout, plan, and what stands before every key of the file.

    Raises:
        NormeqError: no layout fits; the first key that does not is named with its shape.
        Undecided: see :class:`Undecided`.
    """
    known = [layout for layout in all_layouts() if named in (None, layout.name)]
    if not known:
        names = ", ".join(layout.name for layout in all_layouts())
        raise NormeqError(f"unknown layout {named!r}: choose one of {names}")
    prefix, inner = "", dict(shapes)
    candidates = [(_count(inner, layout), prefix, layout) for layout in known]
    while (first := _common(inner)) and len(prefix) < 64:
        prefix += first
        inner = {key.removeprefix(first): shape for key, shape in inner.items()}
        candidates += [(_count(inner, layout), prefix, layout) for layout in known]
    most, prefix, best = max(candidates, key=lambda found: found[0])
    if not most:
        key = next(iter(shapes))
        names = named or ", ".join(layout.name for layout in known)
        raise NormeqError(
            f"{source}: {key} {shapes[key]} and {len(shapes) - 1} more tensors fit no known layout ({names})"
        )
    inner = {key.removeprefix(prefix): shape for key, shape in shapes.items() if key.startswith(prefix)}
    alike = [layout for layout in known if layout.keys == best.keys]
    names = ", ".join(layout.name for layout in alike)
    for layout in alike:
        try:
            plan = layout.plan(inner, variant)
        except KeyError as missing:
            raise NormeqError(
                f"{source}: its keys are those of {names}, but {prefix}{missing.args[0]} is missing: is the "
                "file truncated?"
            ) from None
        if plan is not None:
            return layout, plan, prefix
    ends = [key for key, shape in inner.items() if len(shape) == 4]
    shown = " and ".join(f"{prefix}{key} {inner[key]}" for key in (*ends[:1], *ends[-1:]))
    raise NormeqError(
        f"{source}: its keys are those of {names}, but first and last kernel ({shown}) make no denoiser of "
        "images with as many channels as come out: is it truncated, or a network for another task?"
    )


def _count(shapes: Shapes, layout: Layout) -> int:
    return sum(bool(layout.keys.fullmatch(key)) for key in shapes)


def _common(shapes: Shapes) -> str:
    """First component of all keys, with its dot; "" where they differ."""
    heads = {key.partition(".")[0] + "." if "." in key else "" for key in shapes}
    return heads.pop() if len(heads) == 1 else ""


def all_layouts() -> tuple[Layout, ...]:
    """Every layout known; of those with the same keys, the first whose plan fits is taken."""
    from normeq.denoisers.foreign import authors, deepinv, kair, mohan

    return (*kair.LAYOUTS, *authors.LAYOUTS, *mohan.LAYOUTS, *deepinv.LAYOUTS)


def numbers(shapes: Shapes, before: str, after: str = ".") -> list[int]:
    """The numbers between ``before`` and ``after`` in the keys, sorted, each once; after ``after`` comes
    nothing, or anything if it ends in a dot.

    Raises:
        KeyError: there are none.
    """
    pattern = rf"{re.escape(before)}(\d+){re.escape(after)}" + (".*" if after.endswith(".") else "")
    found = {int(match[1]) for key in shapes if (match := re.fullmatch(pattern, key))}
    if not found:
        raise KeyError(f"{before}0{after}")
    return sorted(found)


def kernel(shapes: Shapes, key: str) -> tuple[int, ...]:
    """Shape of a convolution kernel (C_out, C_in, k, k).

    Raises:
        KeyError: it is missing, or has no four axes.
    """
    if len(shapes[key]) != 4:
        raise KeyError(f"{key} as a kernel of four axes")
    return shapes[key]


def plain_variant(shapes: Shapes, variant: str | None, first: str) -> str:
    """``ordinary`` for a network with a bias in its ``first`` convolution, ``scale`` without; the choice of
    the user must agree."""
    found = "ordinary" if f"{first}.bias" in shapes else "scale"
    return agreed(found, variant, "has biases" if found == "ordinary" else "has no biases and ReLU")


def agreed(found: str, asked: str | None, why: str) -> str:
    """``found``, which the user must not contradict."""
    if asked not in (None, found):
        raise NormeqError(f"--variant {asked}: the network in the file {why}, it is {found!r}")
    return found
