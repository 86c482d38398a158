"""A network, or anything else that denoises, ready to be run on images of any kind (normeq.denoise)."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normeq.denoisers.open import Own, load_callable, sigma_argument
from normeq.denoisers.pretrained import names, weights_file
from normeq.equivariance.centring import DECLARATION
from normeq.errors import NormeqError
from normeq.nn import FoldedForInference, NormalizationWrapper
from normeq.nn.build import ARCHITECTURES
from normeq.nn.inputs import check_output, check_shaped, real_array
from normeq.nn.kinds import is_kind
from normeq.nn.reach import Reach, reach, told_reach
from normeq.nn.weights import load_network
from normeq.system.provenance import pick_device

OURS = (*ARCHITECTURES.values(), NormalizationWrapper, FoldedForInference)  # networks that can be folded


@dataclass(frozen=True)
class Opened:
    """What denoises, and what has to be known of it.

    Attributes:
        name: for messages.
        function: (1, C, H, W) in ``dtype`` on ``device``, and σ in the same units or None, to the same shape.
        module: the network behind ``function``; None for functions of arrays.
        equivariant: whether it is normalization-equivariant, and so takes values as they are.
        channels: image channels that it takes.
        takes_sigma: whether it can take σ.
        needs_sigma: whether it has to be.
        reach: how far it sees; None where that is not known, or the whole image.
        whole: it takes mean and deviation of the whole image, and is ``function`` in between: images are to
            be brought to mean 0 and deviation 1.
        margin: images are to be extended by their mean to multiples of ``reach.multiple``, and to no less
            than this many pixels; None where the network extends them itself.
        dtype, device: of its images.
    """

    name: str
    function: Callable[[Tensor, float | None], Tensor]
    module: nn.Module | None
    equivariant: bool
    channels: int
    takes_sigma: bool
    needs_sigma: bool
    reach: Reach | None
    whole: bool = False
    margin: int | None = None
    dtype: torch.dtype = torch.float32
    device: torch.device = torch.device("cpu")


def open_network(network: Any, device: str | torch.device = "auto") -> Opened:
    """Make anything that denoises ready.

    Args:
        network: the name of a trained network, a run folder, or a ``*.safetensors`` file (see
            :func:`normeq.denoisers.pretrained.weights_file`); ``path/file.py:callable`` or
            ``module:callable``; or the callable itself. A callable is an :class:`torch.nn.Module`, called as
            ``net(y)`` or ``net(y, sigma)`` with (1, C, H, W) tensors, or a function ``f(noisy, sigma)`` or
            ``f(noisy)`` of one 2-D float32 array. Of itself it may say by attributes
            ``normalization_equivariant`` (True: it takes images of any range), ``image_channels`` (modules;
            1 if it does not say) and ``halo`` and ``multiple`` (see :func:`normeq.nn.reach.reach`).
        device: ``auto`` leaves a module where it is and takes a GPU for everything else, where there is one.

    Raises:
        NormeqError: there is nothing of that name, or nothing that denoises; a module is in training mode.
    """
    if isinstance(network, Opened):
        return network
    name, found, call = str(network), network, _call
    if isinstance(network, str | Path):
        if name in names() or ":" not in name or Path(name).exists():
            found = load_network(weights_file(name))[0].requires_grad_(False)
        else:
            target = name.partition("=")[2] if "=" in name and not Path(name).exists() else name
            found, world = load_callable(name, target)
            call = world.call
            if isinstance(found, nn.Module):
                check_shaped(found, name)
                found = found.eval().requires_grad_(False)
        device = pick_device(str(device))
    if isinstance(found, nn.Module):
        return _module(name if found is not network else type(found).__name__, found, device, call)
    if not callable(found) or inspect.isclass(found):
        raise NormeqError(
            f"network must be the name of one (normeq networks), a run folder, file.py:callable, a "
            f"torch.nn.Module or a function, not a {type(found).__name__}"
            + (f" ({name}): name an instance" if inspect.isclass(found) else "")
        )
    name = getattr(found, "__name__", name) if found is network else name
    return _function(name, found, call)


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _module(
    name: str, module: nn.Module, device: str | torch.device, call: Callable[..., Any] = _call
) -> Opened:
    check_shaped(module, name)
    if module.training:
        raise NormeqError(f"{name}: the network is in training mode: call its eval() first")
    first = next(module.parameters(), torch.empty(0))
    where = first.device if str(device) == "auto" else pick_device(str(device))
    if where != first.device:
        module = copy.deepcopy(module).to(where)  # the caller's own stays where it is
    whole = is_kind(module, NormalizationWrapper) and not module.local
    inside = module.network if whole else module
    margin = inside.least if getattr(inside, "margin", None) == "mean" else None
    if type(inside) in OURS:
        runs = FoldedForInference(inside)
        takes, needs = _told_by(inside, name, call)
    else:
        told = Own(inside, name, SimpleNamespace(call=call))
        takes, needs = _sigma(told)

        def runs(y: Tensor, sigma: float | None = None) -> Tensor:
            return call(inside, y) if sigma is None else told(y, sigma)

    def apply(y: Tensor, sigma: float | None) -> Tensor:
        output = runs(y) if sigma is None else runs(y, sigma)
        return check_output(output, y, name)

    return Opened(
        name=name,
        function=apply,
        module=module,
        equivariant=_declared(module) or is_kind(module, NormalizationWrapper),
        channels=int(getattr(module, "image_channels", None) or 1),
        takes_sigma=takes,
        needs_sigma=needs,
        reach=reach(module),
        whole=whole,
        margin=margin,
        dtype=first.dtype if first.dtype.is_floating_point else torch.float32,
        device=where,
    )


def _function(name: str, function: Callable[..., Any], call: Callable[..., Any] = _call) -> Opened:
    takes, needs = _parameters(function)

    def apply(y: Tensor, sigma: float | None) -> Tensor:
        array = y[0, 0].numpy()
        output = real_array(call(function, array) if sigma is None else call(function, array, sigma), name)
        return check_output(torch.from_numpy(output.astype(np.float32))[None, None], y, name)

    return Opened(
        name=name,
        function=apply,
        module=None,
        equivariant=_declared(function),
        channels=1,
        takes_sigma=takes,
        needs_sigma=needs,
        reach=told_reach(function),
    )


def _declared(found: object) -> bool:
    return getattr(found, DECLARATION, False) is True


def _told_by(network: nn.Module, name: str, call: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether a network of ours takes σ, and whether it needs it: one that wraps another does as that one."""
    if isinstance(network, FoldedForInference):
        return _told_by(network.network, name, call)
    if not isinstance(network, NormalizationWrapper) or network.noise_map:
        return network.noise_map, network.noise_map
    if not network.tells or isinstance(network.network, OURS):
        return False, False
    return _sigma(Own(network.network, name, SimpleNamespace(call=call)))


def _sigma(told: Own) -> tuple[bool, bool]:
    """Whether a user's network takes σ, and whether it needs it."""
    if told.with_map:
        return True, True
    argument = sigma_argument(told.network)
    if argument is None:
        return False, False
    try:
        default = inspect.signature(told.network.forward).parameters[argument.name].default
    except (TypeError, ValueError, KeyError):  # a compiled network does not say
        return True, True
    return True, default is inspect.Parameter.empty


def _parameters(function: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether there is a second argument, and whether it has no default value."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # compiled functions do not say
        return False, False
    positional = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 1, len(positional) > 1 and positional[1].default is inspect.Parameter.empty
