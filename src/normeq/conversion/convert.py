"""``normeq.convert``: the equivariant twin of a network."""

from __future__ import annotations

import copy
import inspect
import math
import operator
from collections.abc import Sequence
from typing import Any, get_args

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves

from normeq.conversion.functions import Functions
from normeq.conversion.names import DROPOUTS
from normeq.conversion.parts import ACTIVATIONS, flow_after, is_lazy, is_part, twin_of
from normeq.conversion.record import UNKNOWN, Conversion, Flow, Record, To
from normeq.conversion.values import Value, name_of
from normeq.equivariance.changes import tolerance
from normeq.equivariance.defect import defect
from normeq.errors import NormeqError
from normeq.nn.affine import Constraint, check_constraint
from normeq.nn.build import ARCHITECTURES
from normeq.nn.kinds import has_hooks
from normeq.nn.padding import PaddingMode, check_padding
from normeq.nn.sort import SortPool

HOOKS = "hooks (weight norm, spectral norm) change it: remove them first"
TESTS = {"scale": ((0.1, 0.0), (40.0, 0.0)), "norm": ((0.1, 0.0), (1.0, -3.0), (40.0, 10.0))}
KEPT = ("image_channels", "halo", "multiple")  # what a network says of itself (docs/denoise.md)


def convert(
    module: nn.Module,
    to: To = "norm",
    shape: Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    constraint: Constraint = "mean",
    padding_mode: PaddingMode = "reflect",
) -> nn.Module:
    """The normalization-equivariant or scale-equivariant twin of a network, to be trained in its place.

    >>> twin = normeq.convert(network, to="norm", shape=(1, 3, 64, 64))  # doctest: +SKIP
    >>> print(twin.conversion)  # what became of which part  # doctest: +SKIP

    ``norm``: convolutions, transposed convolutions and linear layers become affine, activations sort
    pooling, zeros beyond borders values of the image, x + y and x - y become a·x + (1 - a)·y; batch
    normalisation and dropout are left out. ``scale``: biases are left out, activations other than ReLU and
    its leaky forms become ReLU, batch normalisation keeps its factor alone.

    The forward of a module of one's own is traced (:mod:`torch.fx`, module by module) to find what is called
    in it; arguments with a default value keep it. All tensor arguments are taken for images that change their
    range together; there is no noise level among them. Weights are taken over as they are, raw ones of the
    affine layers: they are a start for training, not a denoiser. The module itself is not changed.

    Args:
        module: of convolutions, linear layers, activations, pooling, up-sampling, skips and the like; any
            nesting.
        to: ``norm``, f(λx + μ) = λf(x) + μ, or ``scale``, f(λx) = λf(x).
        shape: of an input, (N, C, H, W) or what the module takes, or a sequence of shapes of several. If
            given, the twin is tested on random numbers in float64.
        constraint: of affine kernels, see :func:`normeq.nn.affine.affine_kernel`. With ``mean`` they are the
            affine kernels nearest to those of ``module``.
        padding_mode: what takes the place of zeros beyond a border: ``reflect``, ``replicate``, ``circular``.

    Returns:
        A module that is called as ``module`` is, in its mode (training or not). Its attribute ``conversion``
        (:class:`normeq.conversion.record.Conversion`) lists what was done.

    Raises:
        NormeqError: something cannot be converted, or could not be seen and no ``shape`` was given to test
            the twin, or it failed that test; all such things are listed.
    """
    if not isinstance(module, nn.Module):
        raise NormeqError(f"convert takes a torch.nn.Module, not {type(module).__name__}")
    if isinstance(module, tuple(ARCHITECTURES.values())):
        raise NormeqError(
            f"{type(module).__name__} comes in every variant: use normeq.nn.build_network(…, variant={to!r})"
        )
    if to not in get_args(To):
        raise NormeqError(f"unknown twin {to!r}: choose norm or scale")
    check_constraint(constraint)
    check_padding(padding_mode, True, "convert")
    shapes = _shapes(shape)
    record = Record(to, constraint, padding_mode, _only_dims(module))
    with torch.no_grad():
        twin, after = _Walk(record).convert(_copy(module, record), "", _given(shapes))
    if after.kind != "image":
        record.refuse("", type(module).__name__, "what it gives back does not follow the range of its input")
    if record.refused or (record.unseen and not shapes):
        raise NormeqError(_complaint(record, tested=False))
    if shapes:
        _test(twin, record, shapes)
    twin.conversion = Conversion(to, tuple(record.changes), tuple(record.unseen), shapes)
    if to == "norm":
        twin.normalization_equivariant = True
    return twin


class _Walk:
    """Goes through a network in the order in which its parts run."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.made: dict[tuple[Any, ...], tuple[nn.Module, nn.Module, Flow, Value]] = {}

    def convert(self, module: nn.Module, path: str, flow: Flow) -> tuple[nn.Module, Value]:
        """The twin, and what is known of its output. A module that is used twice has one twin, but an
        activation one for each number of axes."""
        # (a single channel cannot be sorted, which is said at every place that has one)
        place = (flow.dims, flow.channels == 1) if isinstance(module, ACTIVATIONS) else ()
        key = id(module), *place
        if key not in self.made:
            twin, after = self._convert(module, path, flow)
            self.made[key] = module, twin, flow, after  # (the module too, so that its id stays its own)
        _, twin, before, after = self.made[key]
        if flow == before:
            return twin, after
        if is_part(module):
            return twin, Value("image", flow_after(module, flow))
        self._check_again(twin, path, before, flow)
        same = before.dims in (None, flow.dims)
        return twin, Value(after.kind, Flow(after.flow.dims) if same else UNKNOWN)

    def _check_again(self, twin: nn.Module, path: str, before: Flow, flow: Flow) -> None:
        """Refuse a module of several parts that is used again where its activations would need other axes."""
        dims = {self.record.dims if one.dims is None else one.dims for one in (before, flow)} - {None}
        if len(dims) > 1 and any(isinstance(part, SortPool) for part in twin.modules()):
            why = "it is used behind layers of different numbers of axes: give each place one of its own"
            self.record.refuse(path, type(twin).__name__, why)

    def _convert(self, module: nn.Module, path: str, flow: Flow) -> tuple[nn.Module, Value]:
        why = _changed(module)
        if why is not None:
            self.record.refuse(path, type(module).__name__, why)
            return module, Value("image", flow_after(module, flow) if is_part(module) else UNKNOWN)
        if is_part(module):
            twin, after = twin_of(module, path, flow, self.record)
            return twin, Value("image", after)
        if type(module).forward is nn.Sequential.forward:
            return self._in_order(module, path, flow)
        try:
            graph = _trace(module)
        except Exception as error:  # whatever a forward does with what is no tensor
            why = " ".join(str(error).split())[:120] or type(error).__name__
            self.record.overlook(path, f"forward of {type(module).__name__}", f"it cannot be traced ({why})")
            twin, after = self._in_order(module, path, flow)
            return twin, Value("image", after.flow)  # (its parts may not run in this order)
        return self._along(module, graph, path, flow)

    def _in_order(self, module: nn.Module, path: str, flow: Flow) -> tuple[nn.Module, Value]:
        value = Value("image", flow)
        for name, child in _children(module):
            twin, after = self.convert(child, _join(path, name), value.flow)
            value = Value(after.kind if value.kind == "image" else value.kind, after.flow)
            setattr(module, name, twin)
        return module, value

    def _along(self, module: nn.Module, graph: fx.Graph, path: str, flow: Flow) -> tuple[nn.Module, Value]:
        """Along the calls of a traced forward."""
        functions = Functions(module, graph, path, self.record)
        values = functions.values
        twins: dict[str, nn.Module] = {}
        optional = _optional(module)
        after = Value("number")
        for node in list(graph.nodes):
            if node.op == "placeholder":
                values[node] = Value("number") if node.target in optional else Value("image", flow)
            elif node.op == "get_attr":
                values[node] = Value("fixed")
            elif node.op == "call_module":
                images = functions.images(node)
                before = values[images[0]].flow if images else UNKNOWN
                inside = module.get_submodule(node.target)
                given = _given_to(inside, node)
                twin, after_it = self.convert(inside, _join(path, node.target), before)
                result = functions.called(node, given, _optional(inside), after_it)
                if twins.setdefault(node.target, twin) is not twin:  # another one for this call
                    node = functions.call(node, node.target.replace(".", "_"), twin, node.args)
                values[node] = result
            elif node.op == "output":
                after = functions.given_back(node)
            else:
                functions.convert(node)
        # A module of several names is traced by the first, and a forward may call it by any.
        replaced = {id(module.get_submodule(target)): twin for target, twin in twins.items()}
        for parent in list(module.modules()):
            for name, child in _children(parent):
                if id(child) in replaced:
                    setattr(parent, name, replaced[id(child)])
        if not functions.changed:
            return module, after
        made = fx.GraphModule(module, graph, f"{type(module).__name__}{self.record.to.capitalize()}")
        for name in KEPT:
            if hasattr(module, name):
                setattr(made, name, getattr(module, name))
        return made, after


class _Tracer(fx.Tracer):
    """Sees the forward of one module; the modules in it are converted by themselves."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return True


def _copy(module: nn.Module, record: Record) -> nn.Module:
    """A copy that becomes the twin.

    Raises:
        NormeqError: there is none, as of weights that a hook works out.
    """
    try:
        return copy.deepcopy(module)
    except Exception as error:  # of whatever a module holds
        for path, part in module.named_modules():
            if has_hooks(part):
                record.refuse(path, type(part).__name__, HOOKS)
        if not record.refused:
            line = " ".join(str(error).split())[:120] or type(error).__name__
            record.refuse("", type(module).__name__, f"it cannot be copied ({line})")
        raise NormeqError(_complaint(record, tested=False)) from error


def _changed(module: nn.Module) -> str | None:
    """Why a module does not compute what the ``forward`` of its class says, if it does not."""
    if isinstance(module, torch.jit.ScriptModule):
        return "TorchScript cannot be looked into: convert the network that it was made of"
    if has_hooks(module) and not is_lazy(module):  # (which has one until its shapes are known)
        return HOOKS
    if "forward" in vars(module):
        return "its forward is set on the module itself: write it in a class"
    if type(module).__call__ is not nn.Module.__call__ and not isinstance(module, fx.GraphModule):
        return "it has a __call__ of its own: write it in forward"
    return None


def _given_to(module: nn.Module, node: fx.Node) -> dict[str, Any]:
    """The arguments of a call by name, other than default values and sizes that say only how."""
    defaults = _optional(module)
    try:
        given = inspect.signature(module.forward).bind(*node.args, **node.kwargs).arguments
    except (TypeError, ValueError):  # it cannot be called so, or does not say how
        return {}
    return {
        name: value
        for name, value in given.items()
        if not (name in defaults and _same(value, defaults[name]))
        and not (name == "output_size" and is_part(module))
    }


def _same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, bool | int | float | str) and bool(value == default))


def _trace(module: nn.Module) -> fx.Graph:
    """The calls of a forward.

    Raises:
        NormeqError: they are others in training than in evaluation; whatever the tracer raises.
    """
    defaults, graphs, mode = _optional(module), [], module.training
    for module.training in (not mode, mode):
        graphs.append(_Tracer().trace(module, concrete_args=defaults or None))
    if len({tuple(map(_call, graph.nodes)) for graph in graphs}) > 1:
        raise NormeqError("it does something else in training than in evaluation")
    placeholders = [node for node in graphs[1].nodes if node.op == "placeholder"]
    for name, node in zip(inspect.signature(module.forward).parameters, placeholders, strict=True):
        if name in defaults:
            node.target = name  # the tracer numbers those with a fixed value
    return graphs[1]


def _call(node: fx.Node) -> tuple[str, ...]:
    """What a node does; dropout is told the mode, and becomes a module that knows it."""
    given = "" if name_of(node) in DROPOUTS else f"{node.args} {node.kwargs}"
    return node.op, str(node.target), given


def _optional(module: nn.Module) -> dict[str, Any]:
    """The arguments of a forward that have a default value, which they keep."""
    parameters = inspect.signature(module.forward).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _only_dims(module: nn.Module) -> int | None:
    """Axes behind the channels, if all layers of a network agree."""
    found = set()
    for part in module.modules():
        if isinstance(part, nn.modules.conv._ConvNd):
            found.add(len(part.kernel_size))
        elif isinstance(part, nn.Linear):
            found.add(0)
    return found.pop() if len(found) == 1 else None


def _given(shapes: tuple[tuple[int, ...], ...]) -> Flow:
    if not shapes or len(shapes[0]) < 2:
        return UNKNOWN
    return Flow(None, shapes[0][1])


def _shapes(shape: Any) -> tuple[tuple[int, ...], ...]:
    if shape is None:
        return ()
    try:
        single = all(hasattr(side, "__index__") for side in shape)
        shapes = tuple(tuple(map(operator.index, one)) for one in ([shape] if single else shape))
    except TypeError:
        shapes = ()
    if not shapes or not all(shapes) or any(side < 1 for one in shapes for side in one):
        raise NormeqError(f"shape must be that of an input, such as (1, 3, 64, 64), not {shape!r}")
    return shapes


def _test(twin: nn.Module, record: Record, shapes: tuple[tuple[int, ...], ...]) -> None:
    """Whether the twin is what it should be, on random numbers in float64.

    Raises:
        NormeqError: it does not run, or misses a change of range.
    """
    exact = copy.deepcopy(twin).double().eval()
    _move_off(exact)
    like = next(exact.parameters(), torch.empty(0))
    generator = torch.Generator().manual_seed(0)
    sizes = [math.prod(one) for one in shapes]
    together = torch.randn(sum(sizes), dtype=torch.float64, generator=generator).to(like.device)

    def run(y: Tensor) -> Tensor:
        output = exact(*(part.view(one) for part, one in zip(y.split(sizes), shapes, strict=True)))
        return torch.cat([leaf.flatten() for leaf in tree_leaves(output) if isinstance(leaf, Tensor)])

    try:
        found = [defect(run, together, scale, shift).relative for scale, shift in TESTS[record.to]]
    except Exception as error:  # of whatever part
        line = " ".join(str(error).split())[:200]
        raise NormeqError(
            f"the twin does not run on {', '.join(map(str, shapes))}: {type(error).__name__}: {line}"
        ) from error
    if not max(found) <= tolerance(torch.finfo(torch.float64).eps):
        raise NormeqError(_complaint(record, tested=True, defect=max(found)))


def _move_off(network: nn.Module) -> None:
    """Move all that is trained a little: what happens to be 0 or 1 may hide what it does.

    A twin is one wherever training takes it. Signs stay, as some may need theirs; buffers stay too, as they
    may be kernels and statistics that are not free.
    """
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        if parameter.requires_grad and parameter.is_floating_point():
            old = parameter.data
            by = 0.1 * torch.rand(old.shape, dtype=old.dtype, generator=generator).to(old.device)
            parameter.data = torch.where(old == 0, by, old * (1 + by))


def _complaint(record: Record, tested: bool, defect: float = 0.0) -> str:
    kind = {"norm": "normalization-equivariant", "scale": "scale-equivariant"}[record.to]
    lines = [*record.refused, *(f"not seen: {line}" for line in record.unseen)]
    if tested:
        where = "; ".join(lines) or "no part is suspected"
        return f"the twin is not {kind} (relative defect {defect:.1g} in float64): {where}"
    hint = "" if record.refused else " (give shape=, and the twin is tested as it is)"
    return f"no {kind} twin: {'; '.join(lines)}{hint}"


def _children(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules right inside one, by all their names; ``named_children`` gives each only once."""
    return [(name, child) for name, child in module._modules.items() if child is not None]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
