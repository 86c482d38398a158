"""Folding: a trained network as plain convolutions, for inference."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval

from normeq.nn.constrained import Constrained, ConstrainedConv
from normeq.nn.kinds import is_kind
from normeq.nn.linear import AffineLinear
from normeq.nn.norms import BiasFreeBatchNorm
from normeq.nn.padding import fill_margin
from normeq.nn.reach import CHAINS
from normeq.nn.rotation import RotatedSortPool, second_half
from normeq.nn.transposed import AffineConvTranspose
from normeq.nn.wrapper import NormalizationWrapper

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CONSTRAINED = (ConstrainedConv, AffineConvTranspose, AffineLinear)


class Folded(nn.Module):
    """A constrained layer, of any kind and number of axes, with its kernels worked out once."""

    def __init__(self, layer: Constrained) -> None:
        super().__init__()
        self.weight = nn.Parameter(layer.applied_kernel.detach(), requires_grad=False)
        # What is left is the layer without its raw weights, and without what makes them (a weight norm).
        bare = object.__new__(parametrize.type_before_parametrizations(layer))
        bare.__dict__ = {**vars(layer), "_parameters": {"bias": None}, "_modules": {}}
        self._compute = bare.compute

    def forward(self, x: Tensor, *options: Any, **named: Any) -> Tensor:
        return self._compute(x, self.weight, *options, **named)

    def extra_repr(self) -> str:
        layer = self._compute.__self__
        padded = ", padded by the sort pooling before" if getattr(layer, "sorted_input", False) else ""
        return f"{layer.extra_repr()}{padded}"


class FoldedConv2d(Folded):
    """A convolution in front of a :class:`FoldedSortPool`: it also computes the margin of one pixel that the
    pooling overwrites, so that no layer copies its input to pad it."""

    def __init__(self, conv: ConstrainedConv) -> None:
        super().__init__(conv)
        self.pad, self.dilation, self.groups = self._compute.__self__.pad, conv.dilation, conv.groups

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(self.pad(x), self.weight, None, 1, 1, self.dilation, self.groups)


class FoldedSortPool(nn.Module):
    """:class:`RotatedSortPool` in place, on a tensor that already has a margin of one pixel."""

    def forward(self, x: Tensor) -> Tensor:
        second_half(x).abs_()
        fill_margin(x)
        return x


def fold(network: nn.Module, *, in_place: bool = True) -> nn.Module:
    """A copy of a network for inference, equal to it up to rounding.

    Kernels are computed once in place of at every call; sort pooling works in place, as |·| on half of the
    channels, and refreshes the mirrored margin of its input in place; batch normalisation goes into the
    convolution before it. Parameters are then plain convolutions, so that ``fold(network).to(dtype)`` is the
    network in that arithmetic. Layers with hooks or a ``forward`` of their own stay as they are.

    What makes one of two layers needs a :class:`torch.nn.Sequential` that is called as a whole. A class with
    a ``forward`` of its own may call the layers in it singly: it is traced (:mod:`torch.fx`, module by
    module), and where that fails each layer inside is folded by itself.

    Args:
        network: in evaluation mode, any module with layers of this library; not changed.
        in_place: False leaves sort pooling as it is, for what cannot follow operations in place.

    Returns:
        A module called like ``network``; it has no gradients.

    Raises:
        ValueError: the network, or a part of it, is in training mode; it cannot be copied, because it holds
            results with a gradient.
    """
    for name, module in network.named_modules():
        if module.training:
            which = f"its part {name} ({type(module).__name__})" if name else "this one"
            raise ValueError(
                f"fold a network in evaluation mode: {which} is in training mode, call network.eval() first"
            )
    with torch.no_grad():
        folded = _copy(network)
        if is_kind(folded, *_CONSTRAINED):
            folded = Folded(folded)
        _Fold(in_place, _used_singly(folded)).children(folded)
        for weight in folded.parameters():
            if weight.ndim == 4:
                weight.data = weight.data.to(memory_format=torch.channels_last)
    return folded.eval().requires_grad_(False)


class _Fold:
    """Folds the layers of a network, each at the place where it stands: a layer may stand at others too, with
    something else behind it. So it is replaced there, and never changed itself."""

    def __init__(self, in_place: bool, singly: set[nn.Module] | None) -> None:
        """Layers ``singly`` have a meaning of their own (None: any may): they make no pair."""
        self.in_place = in_place
        self.singly = singly
        self.made: dict[nn.Module, Folded] = {}
        self.done: set[nn.Module] = set()

    def children(self, module: nn.Module) -> None:
        if module in self.done:
            return
        self.done.add(module)
        # (named_children leaves out repeated modules, and what follows would be something else)
        children = [(name, child) for name, child in module._modules.items() if child is not None]
        # What stands after a layer is known where layers run in their order; a module with a forward of its
        # own may call them in any.
        ordered = _is_chain(module)
        for (name, child), (next_name, following) in zip(children, [*children[1:], ("", None)], strict=False):
            following = following if ordered and self._only_together(child, following) else None
            if self.in_place and is_kind(child, ConstrainedConv) and _takes_margin(child, following):
                setattr(module, name, FoldedConv2d(child))
                setattr(module, next_name, FoldedSortPool())
            elif is_kind(child, *_CONSTRAINED):
                if child not in self.made:
                    self.made[child] = Folded(child)
                setattr(module, name, self.made[child])
            elif _is_plain(child, _CONVOLUTIONS) and _is_constant(following):
                setattr(module, name, _fused(child, following))
                setattr(module, next_name, nn.Identity())
            elif not isinstance(child, _BatchNorm | BiasFreeBatchNorm):
                self.children(child)

    def _only_together(self, *layers: nn.Module | None) -> bool:
        return self.singly is not None and self.singly.isdisjoint(layers)


def _is_chain(module: nn.Module) -> bool:
    """Whether a module calls its parts in their order."""
    return type(module).forward is nn.Sequential.forward and "forward" not in vars(module)


def _used_singly(network: nn.Module) -> set[nn.Module] | None:
    """The parts of a network that classes not known here call, or read a tensor of; None where it cannot be
    said. (A sequence that is called as a whole is such a part, and what it calls itself is not.)"""
    unknown = [
        number
        for number, module in enumerate(network.modules())
        if not (_is_chain(module) or is_kind(module, *CHAINS, NormalizationWrapper, FoldedForInference))
        and type(module).forward is not nn.Module.forward  # a list: those that hold it are asked
        and any(_is_chain(part) and len(part) > 1 for part in module.modules())
    ]
    if not unknown:
        return set()
    # A forward may change attributes, so that of a copy is traced; it shares the weights.
    traced = list(_copy(network, *network.parameters()).modules())
    original = dict(zip(traced, network.modules(), strict=True))
    found: set[nn.Module] = set()
    for number in unknown:
        used = _used_by(traced[number])
        if used is None:
            return None
        found |= {original[part] for part in used if part in original}
    return found


def _used_by(module: nn.Module) -> set[nn.Module] | None:
    """The modules that a module's forward calls, or reads a tensor of, with its optional arguments given and
    left out; None where that cannot be traced."""
    if "forward" in vars(module):  # fx looks at the class
        return None
    tracer = _Tracer(module)
    try:
        arguments = inspect.signature(module.forward).parameters.values()
        defaults = {each.name: each.default for each in arguments if each.default is not each.empty}
        tracer.trace(module)
        if defaults:
            tracer.trace(module, defaults)
    except Exception:  # whatever its author's code meets when what it is given is no tensor
        return None
    return tracer.used


class _Tracer(fx.Tracer):
    """Notes which modules are called, or asked for a tensor, and calls none."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.parts = set(module.modules())
        self.owner = {id(tensor): part for part in self.parts for tensor in _tensors(part)}
        self.used: set[nn.Module] = set()

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self.used |= {m} if m in self.parts else set(m.modules())  # made just now: a slice of a sequence
        return self.create_proxy("call_module", "part", args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if id(attr_val) in self.owner:
            self.used.add(self.owner[id(attr_val)])
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def _copy(network: nn.Module, *shared: Tensor) -> nn.Module:
    """A deep copy, which has the tensors ``shared`` in common with the network.

    Weight norm, spectral norm and pruning as hooks keep the weights that they worked out as an attribute:
    results, which PyTorch copies with no gradient alone.

    Raises:
        ValueError: it holds such results elsewhere.
    """
    known = {id(tensor): tensor for tensor in shared}
    for module in network.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                known[id(value)] = value.detach().clone()
    try:
        return copy.deepcopy(network, known)
    except RuntimeError as error:
        if "graph leaves" not in str(error):
            raise
        raise ValueError(
            "the network cannot be copied to fold it, because it holds results with a gradient (a list of "
            "features, perhaps): detach() them, or run it once in torch.no_grad()"
        ) from error


def _is_plain(module: nn.Module | None, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Whether a module computes what its kind does, with weights of its own: no weight norm or the like."""
    return is_kind(module, *kinds) and not parametrize.is_parametrized(module)


def _is_constant(norm: nn.Module | None) -> bool:
    """Whether a module is a batch normalisation by statistics of its own, not by those of each image."""
    return _is_plain(norm, (_BatchNorm, BiasFreeBatchNorm)) and norm.running_var is not None


def _fused(conv: nn.Module, norm: nn.Module) -> nn.Module:
    """A new convolution that is one with the batch normalisation behind it."""
    if isinstance(norm, _BatchNorm):
        return fuse_conv_bn_eval(conv, norm)
    made = copy.deepcopy(conv)
    gain = norm.gain(norm.running_var)
    made.weight = nn.Parameter(conv.weight * gain[(..., *[None] * (conv.weight.ndim - 1))])
    if conv.bias is not None:
        made.bias = nn.Parameter(conv.bias * gain)
    return made


def _takes_margin(conv: ConstrainedConv, following: nn.Module | None) -> bool:
    return (
        conv.sorted_output
        and is_kind(following, RotatedSortPool)
        and following.mirrors
        and len(conv.kernel_size) == 2
        and set(conv.stride) == {1}
    )


class FoldedForInference(nn.Module):
    """A network that runs folded where no gradients are asked for, and as it is where they are.

    It is folded at the first call, in the arithmetic that the network has then, and again where the network
    has changed since: ``double()`` gives kernels that sum to 1 in float64, and other weights give theirs,
    whether they were loaded, trained, or put in place of the old ones. Looked at are the modules, their mode
    and hooks, and which memory the weights and buffers have and PyTorch's count of changes to it; no value
    is read. Two changes cannot be seen so: one in place that PyTorch does not count (through ``weight.data``
    or ``weight.numpy()``), and one of a plain attribute (a stride). After these call :meth:`eval`, which
    forgets the folded network.

    Weights made in :class:`torch.inference_mode` have no count of changes: such a network runs as it is, and
    so does one under a compiler.

    Args:
        network: in evaluation mode.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.noise_map = bool(getattr(network, "noise_map", False))
        self._forget()

    def _forget(self) -> None:
        # The folded network, and what was folded; no submodule: it would be moved and saved with the network.
        self.__dict__["_folded"] = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_folded": None}  # copies and files fold anew

    def _apply(self, *args: Any, **kwargs: Any) -> nn.Module:
        self._forget()
        return super()._apply(*args, **kwargs)

    def train(self, mode: bool = True) -> FoldedForInference:
        self._forget()
        return super().train(mode)

    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            return self.network(y, sigma)
        state = _state(self.network)
        if state is None:
            return self.network(y, sigma)
        made = self._folded
        if made is None or made[1] != state:
            made = self.__dict__["_folded"] = (fold(self.network), state, _held(self.network))
        return made[0](y, sigma)


def _state(network: nn.Module) -> list[Any] | None:
    """What tells, without a look at any value, whether a network still is what it was; None where nothing
    does. Equal lists mean that while what is in them lives, see :func:`_held`."""
    state: list[Any] = []
    for module in network.modules():
        state += (id(module), module.training, id(vars(module).get("forward")))
        state += (*map(id, module._modules.values()), *module._forward_hooks, *module._forward_pre_hooks)
        for tensor in _tensors(module):
            if tensor.is_inference():
                return None
            try:
                state += (id(tensor), tensor.data_ptr(), tensor._version)
            except RuntimeError:  # no memory of its own: under vmap
                return None
    return state


def _held(network: nn.Module) -> list[Any]:
    """What a state names by its address; kept, so that nothing else gets that address."""
    held: list[Any] = []
    for module in network.modules():
        tensors = _tensors(module)
        held += (module, vars(module).get("forward"), tensors, [tensor.detach() for tensor in tensors])
    return held


def _tensors(module: nn.Module) -> list[Tensor]:
    return [t for t in (*module._parameters.values(), *module._buffers.values()) if t is not None]
