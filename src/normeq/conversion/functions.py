"""What a forward calls besides modules: sums, products, functions of PyTorch; in a traced graph.

Every value of the graph is an *image*, which follows the range of the input, a *fixed* tensor (a parameter),
or a *number* (a size). What is done to an image decides; of all else nothing need be known.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves

from normeq.conversion.names import (
    ACTIVATIONS,
    ATTRIBUTES,
    AVERAGES,
    DIVIDING,
    DROPOUTS,
    EXTREMES,
    FIXED,
    HOMOGENEOUS,
    JOINS,
    KEEP_FLOW,
    LAYERS,
    LIKE,
    LOSE_FLOW,
    MADE,
    MADE_LIKE,
    MATRIX,
    PRODUCTS,
    QUOTIENTS,
    SIZES,
    SUMS,
)
from normeq.conversion.parts import DIVIDES, FIXED_VALUES, sort_pool
from normeq.conversion.record import UNKNOWN, Flow, Record
from normeq.conversion.values import Value, name_of, operands, rank, stays_zero
from normeq.nn.padding import pad
from normeq.nn.residual import AffineResidual

_DROPOUT = {
    "dropout": nn.Dropout, "dropout1d": nn.Dropout1d, "dropout2d": nn.Dropout2d, "dropout3d": nn.Dropout3d,
}  # fmt: skip
UNSURE = "whether it is equivariant is not known"
BESIDE = "one of them is a fixed value, which does not follow the range of the input"
# Rules of these see by themselves which of their operands is an image; all others take the first for one.
OF_SEVERAL = SUMS | PRODUCTS | EXTREMES | JOINS | LAYERS | MATRIX | {"max", "min"}


class Functions:
    """Converts the calls of one traced forward.

    Args:
        module: whose forward it is; takes up new parts.
        graph: the trace, changed in place.
        path: of the module, for messages.
        record: of the conversion.

    Attributes:
        changed: whether the graph is not the forward of ``module`` any more.
    """

    def __init__(self, module: nn.Module, graph: fx.Graph, path: str, record: Record) -> None:
        self.module, self.graph, self.path, self.record = module, graph, path, record
        self.values: dict[fx.Node, Value] = {}
        self.absorbable: dict[fx.Node, tuple[fx.Node, float]] = {}
        self.changed = False

    def value(self, argument: Any) -> Value:
        if isinstance(argument, fx.Node):
            return self.values.get(argument, Value("number"))
        if isinstance(argument, list | tuple):
            return max(map(self.value, argument), key=rank, default=Value("number"))
        return Value("number")

    def images(self, node: fx.Node) -> list[fx.Node]:
        """The images among the arguments of a call."""
        return [n for n in node.all_input_nodes if self.value(n).kind == "image"]

    def convert(self, node: fx.Node) -> None:
        """Convert a call of a function or method, and say what its result is."""
        images = self.images(node)
        name = name_of(node)
        self.needs_result(node, images, f"{name}()")
        if not images:
            fixed = name in MADE or any(self.value(n).kind == "fixed" for n in node.all_input_nodes)
            self.values[node] = Value("fixed" if fixed else "number")
            return
        self.values[node] = Value("image", self.value(images[0]).flow)
        first = self.value(operands(node)[:1])
        seen = name in MADE or not self._rounds(node, name)
        if seen and name in LIKE and first.kind != "image":
            self.values[node] = first
            return
        for names, rule in self._rules():
            if seen and name in names and (name in OF_SEVERAL or first.kind == "image"):
                rule(node, name, images)
                return
        self.record.overlook(self.path, f"{name}()", UNSURE)
        self.values[node] = Value("image")

    def called(self, node: fx.Node, given: dict[str, Any], optional: Container[str], after: Value) -> Value:
        """What a call of a module gives.

        Args:
            node: of the call.
            given: its arguments by name, other than default values.
            optional: arguments that have one, which they keep in the trace of the module.
            after: what its twin gives, which takes all that it is given for images.
        """
        images = self.images(node)
        self.needs_result(node, images, str(node.target))
        if not images:
            return Value("fixed")
        if any(self.value(n).kind == "fixed" for n in node.all_input_nodes):
            self.record.refuse(self.path, f"{node.target}()", BESIDE)
        for name, argument in given.items():
            if name in optional or self.value(argument).kind != "image":
                why = f"what becomes of its argument {name} is not known"
                self.record.overlook(self.path, f"{node.target}()", why)
        return after

    def given_back(self, output: fx.Node) -> Value:
        """What the forward gives."""
        kinds = {self.value(n).kind for n in output.all_input_nodes}
        kinds |= {"number" for leaf in tree_leaves(output.args) if isinstance(leaf, numbers.Number)}
        if not self.path:
            kinds -= {"number"}  # nothing is made of it
        if len(kinds) > 1 and "image" in kinds:
            why = "what it gives back beside images does not follow the range of its input"
            self.record.overlook(self.path, f"forward of {type(self.module).__name__}", why)
        kind = next((kind for kind in ("image", "fixed") if kind in kinds), "number")
        return Value(kind, self.value(output.args[0]).flow)

    def _rounds(self, node: fx.Node, name: str) -> bool:
        """Whether a call may give something else than floating-point numbers of the same value."""
        formats = [a for a in (*node.args, *node.kwargs.values()) if isinstance(a, torch.dtype)]
        if name in ("to", "type_as"):
            others = [n for n in node.all_input_nodes[1:] if self.value(n).kind == "fixed"]
            formats += [self._dtype(other) for other in others]
        return any(
            not (one.is_floating_point or one.is_complex) or name == "view"  # (which takes bits as they are)
            for one in formats
        )

    def _dtype(self, node: fx.Node) -> torch.dtype:
        """The format of a fixed tensor, or that it is asked for; if it is not known, one that rounds."""
        if node.target is getattr and node.args[1] == "dtype":
            node = node.args[0]
        if node.op != "get_attr":
            return torch.bool
        held: Any = self.module
        for name in node.target.split("."):
            held = getattr(held, name)
        return held.dtype if isinstance(held, Tensor) else torch.bool

    def needs_result(self, node: fx.Node, images: list[fx.Node], what: str) -> None:
        """Refuse a call whose result nobody takes: it works in place, and its twin would not."""
        if images and not node.users:
            why = "its result is not used; if it works in place, write x = f(x)"
            self.record.refuse(self.path, what, why)

    def _rules(self) -> Iterator[tuple[set[str], Callable[[fx.Node, str, list[fx.Node]], None]]]:
        yield SIZES, self._size
        yield {"getattr"}, self._attribute
        yield SUMS, self._sum
        yield PRODUCTS, self._product
        yield ACTIVATIONS, self._activation
        yield {"clamp", "clamp_", "clip", "clamp_min", "clamp_min_"}, self._clamp
        yield {"pad"}, self._pad
        yield {"flatten"}, self._flatten
        yield DROPOUTS, self._dropout
        yield AVERAGES, self._average
        yield LAYERS | MATRIX, self._layer
        yield HOMOGENEOUS, self._homogeneous
        yield DIVIDING, self._refused(DIVIDES)
        yield FIXED, self._refused(FIXED_VALUES)
        yield MADE_LIKE, self._made
        yield EXTREMES, self._both
        yield {"max", "min"}, self._extreme
        yield JOINS, self._join
        yield KEEP_FLOW, self._kept
        yield LOSE_FLOW, self._moved

    # Rules; each sees a call with at least one image among its arguments.

    def _refused(self, why: str) -> Callable[[fx.Node, str, list[fx.Node]], None]:
        def refuse(node: fx.Node, name: str, images: list[fx.Node]) -> None:
            self.record.refuse(self.path, f"{name}()", why)

        return refuse

    def _kept(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        pass

    def _both(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        self._beside(name, operands(node))

    def _extreme(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        if any(self.value(n).kind == "fixed" for n in node.all_input_nodes):
            self._beside(name, node.all_input_nodes)
        elif len(images) != len(node.args) + len(node.kwargs):  # of an axis: values and places
            self.record.overlook(self.path, f"{name}()", UNSURE)

    def _join(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        joined = node.args[0] if node.args else node.kwargs.get("tensors")
        self._beside(name, joined if isinstance(joined, list | tuple) else [joined])
        self._moved(node, name, images)

    def _beside(self, name: str, operands: Sequence[Any]) -> None:
        """Refuse what is no image where images are joined or compared; zeros follow every scale."""
        fixed = [o for o in operands if self.value(o).kind != "image"]
        if self.record.norm or not all(map(stays_zero, fixed)):
            if fixed:
                self.record.refuse(self.path, f"{name}()", BESIDE)

    def _moved(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        # Behind (N, C, H, W) joined or cut there are as many axes as before; of others nothing is known.
        known = name in ("cat", "concat", "concatenate", "chunk", "split", "getitem", "narrow")
        dims = self.value(images[0]).flow.dims if known else None
        self.values[node] = Value("image", Flow(dims))

    def _flatten(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        start = node.kwargs.get("start_dim", node.args[1] if len(node.args) > 1 else 0)
        self.values[node] = Value("image", Flow(0) if start == 1 and len(node.args) < 3 else UNKNOWN)

    def _size(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        self.values[node] = Value("number")

    def _attribute(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        if node.args[1] in ATTRIBUTES:
            self.values[node] = Value("number")
        elif node.args[1] not in ("T", "mT", "data"):
            self.record.overlook(self.path, f".{node.args[1]}", UNSURE)

    def _made(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        if images == [operands(node)[0]]:
            self.values[node] = Value("fixed")
        else:  # filled by a value of an image
            self.record.overlook(self.path, f"{name}()", UNSURE)

    def _sum(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        subtracts = "sub" in name
        what = "x − y" if subtracts else "x + y"
        both = operands(node)
        pair = [o for o in both if self.value(o).kind == "image"]
        if not pair or isinstance(node.kwargs.get("alpha"), fx.Node):  # a share that is worked out
            self.record.overlook(self.path, what, UNSURE)
            return
        if len(pair) < 2:
            (other,) = (o for o in both if o is not pair[0])
            if subtracts or not isinstance(other, numbers.Number) or other != 0:  # sum() begins with 0
                self.record.refuse(self.path, what, BESIDE)
            return
        if not self.record.norm:
            return
        absorbed = [self.absorbable.pop(operand, (operand, 1.0)) for operand in pair]
        first, second = absorbed[0][1], absorbed[1][1] * node.kwargs.get("alpha", 1)
        # Of x + 0.2·y what counts is the share of each; of a difference there is none to begin with.
        start = first / (first + second) if not subtracts and min(first, second) > 0 else 0.5
        sources = tuple(source for source, _ in absorbed)
        flow = self.value(sources[0]).flow
        new = self.call(node, "residual", AffineResidual(start), sources)
        for operand in {*pair} - {*sources}:
            self.graph.erase_node(operand)
        self.record.change(self.path, what, f"a·x + (1 − a)·y, a = {start:.3g}")
        self.values[new] = Value("image", flow)

    def _product(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        first, second = operands(node)
        divides = name in QUOTIENTS
        if node.kwargs.get("rounding_mode") is not None:
            self.record.refuse(
                self.path, f"{name}()", "it rounds, and steps do not follow the range of the input"
            )
        elif self.value(first).kind == self.value(second).kind == "image":
            word = "divides" if divides else "multiplies"
            why = f"it {word} two feature maps, so that a scale does not come out once"
            self.record.refuse(self.path, f"{name}()", why)
        elif divides and self.value(second).kind == "image":
            self.record.refuse(self.path, f"{name}()", "it divides by a feature map")
        elif self.record.norm:
            image, factor = (first, second) if self.value(first).kind == "image" else (second, first)
            users = list(node.users)
            if len(users) == 1 and name_of(users[0]) in SUMS and len(self.images_of(users[0])) == 2:
                known = isinstance(factor, int | float) and factor > 0
                self.absorbable[node] = image, (1 / factor if divides else factor) if known else 1.0
            else:
                why = "a factor does not let a shift through: leave it out, or put it on a sum"
                self.record.refuse(self.path, f"{name}()", why)

    def images_of(self, node: fx.Node) -> list[fx.Node]:
        """The operands of a sum that is not converted yet; those not visited yet count as images."""
        return [n for n in node.all_input_nodes if n not in self.values or self.value(n).kind == "image"]

    def _activation(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        if self.record.norm:
            pool = sort_pool(self.path, f"{name}()", self.value(images[0]).flow, self.record)
            if pool is not None:
                new = self.call(node, "sort", pool, (images[0],))
                self.record.change(self.path, f"{name}()", pool)
                self.values[new] = self.value(images[0])
        elif name not in HOMOGENEOUS:
            self._replace(node, F.relu, (images[0],))
            self.record.change(self.path, f"{name}()", "relu()")

    def _clamp(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        low = node.kwargs.get("min", node.args[1] if len(node.args) > 1 else None)
        high = node.kwargs.get("max", node.args[2] if len(node.args) > 2 else None)
        if isinstance(low, numbers.Number) and low == 0 and high is None:
            self._activation(self._replace(node, F.relu, (images[0],)), "relu", images)
        else:
            self.record.refuse(self.path, f"{name}()", FIXED_VALUES)

    def _pad(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        arguments = dict(zip(("input", "pad", "mode", "value"), node.args, strict=False)) | node.kwargs
        if arguments.get("mode", "constant") != "constant":
            return
        if arguments.get("value") not in (None, 0):
            self.record.refuse(
                self.path, "pad()", "a fixed value beyond the border: pad by values of the image"
            )
        elif self.record.norm:
            self._replace(node, pad, (images[0], arguments["pad"], self.record.padding_mode))
            self.record.change(self.path, "pad() by zeros", self.record.padding_mode)

    def _dropout(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        if self.record.norm:
            node.replace_all_uses_with(images[0])
            self.graph.erase_node(node)
            self.record.change(self.path, f"{name}()", "left out")
            self.changed = True
            return
        rate = node.kwargs.get("p", node.args[1] if len(node.args) > 1 else 0.5)
        part = _DROPOUT[name](rate)  # which knows training from evaluation, as a trace does not
        self.call(node, name, part, (images[0],))
        self.record.change(self.path, f"{name}()", part)

    def _average(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        if not self.record.norm:
            return
        names = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
        arguments = dict(zip((*names, "divisor_override"), node.args, strict=False)) | node.kwargs
        if arguments.get("divisor_override"):
            self.record.refuse(self.path, f"{name}()", "a divisor of its own makes no average")
        elif arguments.get("padding", 0) not in (0, (0,), (0, 0), (0, 0, 0)):
            if arguments.get("count_include_pad", True):
                kept = {k: v for k, v in arguments.items() if k != "input"} | {"count_include_pad": False}
                self._replace(node, node.target, (images[0],), kept)
                self.record.change(self.path, f"{name}()", "count_include_pad=False")

    def _layer(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        if name in MATRIX:
            if len(images) > 1:
                self.record.refuse(self.path, f"{name}()", "it multiplies two feature maps")
            elif name == "baddbmm":
                self.record.refuse(self.path, f"{name}()", BESIDE)
            elif self.record.norm:
                self.record.refuse(
                    self.path, f"{name}()", "a matrix whose rows do not sum to 1: use nn.Linear"
                )
            return
        bias = node.kwargs.get("bias", node.args[2] if len(node.args) > 2 else None)
        if self.record.norm or bias is not None or len(images) > 1:
            self.record.refuse(self.path, f"{name}()", f"a layer without a module: use torch.nn for {name}")

    def _homogeneous(self, node: fx.Node, name: str, images: list[fx.Node]) -> None:
        if self.record.norm:
            self.record.refuse(self.path, f"{name}()", "it does not let a shift through")
        elif name == "norm" and node.kwargs.get("p", (*node.args, 2)[1]) == 0:
            self.record.refuse(self.path, f"{name}()", "a number of values has no scale")
        elif name in ("sum", "norm", "std"):
            self.values[node] = Value("image")

    # Changes of the graph.

    def call(self, node: fx.Node, name: str, part: nn.Module, arguments: tuple[fx.Node, ...]) -> fx.Node:
        """A call of a new part in place of a node."""
        number = 1
        while hasattr(self.module, f"{name}_{number}"):
            number += 1
        like = next(self.module.parameters(), None)
        if like is not None:
            part = part.to(like.device, like.dtype)
        part.train(self.module.training)
        self.module.add_module(f"{name}_{number}", part)
        with self.graph.inserting_before(node):
            new = self.graph.call_module(f"{name}_{number}", arguments)
        return self._swap(node, new)

    def _replace(
        self, node: fx.Node, function: Callable[..., Any], arguments: tuple[Any, ...],
        options: dict[str, Any] | None = None,
    ) -> fx.Node:  # fmt: skip
        with self.graph.inserting_before(node):
            new = self.graph.call_function(function, arguments, options or {})
        return self._swap(node, new)

    def _swap(self, node: fx.Node, new: fx.Node) -> fx.Node:
        node.replace_all_uses_with(new)
        self.values[new] = self.values.pop(node, Value("image"))
        self.graph.erase_node(node)
        self.changed = True
        return new
