"""Anything that denoises, seen in one way: a trained run, or a user's own function."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normeq.denoisers.foreign.spec import spec_of
from normeq.denoisers.loading import World
from normeq.denoisers.pretrained import weights_file
from normeq.denoisers.sources import split_target
from normeq.equivariance.centring import DECLARATION, Centred, denoise_centred
from normeq.errors import NormeqError
from normeq.nn import FoldedForInference, get_variant
from normeq.nn.inputs import check_shaped, real_array
from normeq.nn.weights import load_network
from normeq.system.provenance import file_sha256

OTHER = "other"  # the variant of denoisers that are not ours


@dataclass(frozen=True)
class Denoiser:
    """A denoiser and its labels in the tables.

    Attributes:
        network, variant, train_sigma, seed: labels; ``train_sigma`` in 8-bit units, "" where nothing was
            trained.
        weights: first 8 hex digits of the SHA-256 of the weights, or of all that a user's denoiser is made of
            (see :meth:`normeq.denoisers.loading.World.identify`); "" where that is not fully known.
        function: (N, 1, H, W) float32 and σ in the units of the image, to the same shape.
        differentiable: whether PyTorch can differentiate ``function``.
        batched: whether images of a batch are known not to influence each other.
        centred: whether ``function`` takes the mean out of images far from zero, see
            :mod:`normeq.equivariance.centring`.
        world: where a user's denoiser runs; None for our networks.
    """

    network: str
    variant: str
    train_sigma: str
    seed: str
    weights: str
    function: Callable[[Tensor, float], Tensor]
    differentiable: bool
    batched: bool = False
    centred: bool = False
    world: World | None = None

    @property
    def unknown(self) -> str:
        """Why it is not fully known, and must be measured again each time; "" where it is."""
        return self.world.unknown if self.world else ""

    @property
    def identity(self) -> str:
        """:attr:`weights`, unless it has done something in the meantime that they do not cover."""
        return "" if self.unknown else self.weights

    @property
    def labels(self) -> dict[str, str]:
        """The leading columns of every table."""
        return {
            "network": self.network,
            "variant": self.variant,
            "train_sigma": self.train_sigma,
            "seed": self.seed,
        }

    @property
    def module(self) -> nn.Module | None:
        """The network behind ``function``, as it was trained or given; None for any other function."""
        inside = self.uncentred().function
        return inside.network if isinstance(inside, FoldedForInference | Own) else None

    def uncentred(self) -> Denoiser:
        """The same, given every image as it is."""
        if not self.centred:
            return self
        function = self.function
        inside = function.network if isinstance(function, Centred) else function.args[0]
        return replace(self, function=inside, centred=False)

    def __call__(self, y: Tensor, sigma: float) -> Tensor:
        return self.function(y, sigma)


class Own(nn.Module):
    """A user's network, called as its ``forward`` asks: with σ where it takes it.

    Args:
        network: what is called.
        name: of the denoiser, for messages.
        world: where it runs.
    """

    def __init__(self, network: nn.Module, name: str, world: World) -> None:
        super().__init__()
        self.network, self.name, self.world = network, name, world
        self.argument = sigma_argument(network)
        first = next((p for p in network.parameters() if p.ndim == 4), None)
        self.with_map = self.argument is None and first is not None and first.shape[1] == 2
        self.number = self.argument is not None and self.argument.number

    def forward(self, y: Tensor, sigma: float) -> Tensor:
        output = self.world.call(self._run, y, sigma)
        if not isinstance(output, Tensor):
            raise NormeqError(f"denoiser {self.name}: returned {type(output).__name__}, not one tensor")
        if output.shape != y.shape:
            raise NormeqError(
                f"denoiser {self.name}: returned shape {tuple(output.shape)} "
                f"for images of shape {tuple(y.shape)}"
            )
        return output

    def _run(self, y: Tensor, sigma: float) -> Any:
        level = torch.full((len(y), 1, 1, 1), float(sigma), dtype=y.dtype, device=y.device)
        if self.with_map:
            return self.network(torch.cat([y, level.expand_as(y)], dim=1))
        if self.argument is None:
            return self.network(y)
        if self.argument.map:
            return self._told(y, level.expand_as(y))
        if self.number:
            return self._told(y, float(sigma))
        try:
            return self._told(y.clone(), level)
        except TypeError:  # it wants a number, as torch.full_like does
            output = self._told(y, float(sigma))
            self.number = True
            return output

    def _told(self, y: Tensor, sigma: Tensor | float) -> Any:
        if self.argument.keyword:
            return self.network(y, **{self.argument.name: sigma})
        return self.network(y, sigma)


@dataclass(frozen=True)
class SigmaArgument:
    """How a network takes σ: as the second argument or by keyword, as a map (N, 1, H, W), as a number, or
    else as a tensor (N, 1, 1, 1)."""

    name: str
    keyword: bool
    map: bool
    number: bool


SIGMA = re.compile(r"(?:n(?:oise)?_?)?(?:sigmas?|stdn?|stddev|level)(?:_?map)?|noise_?map|noise_?level_?map")


def sigma_argument(network: nn.Module) -> SigmaArgument | None:
    """How a network takes σ, from the signature of its ``forward``; None where it does not.

    It does where its second argument has no default value, or where an argument is called ``sigma``, ``std``,
    ``noise_level``, ``noise_map`` or much like these.
    """
    inner = getattr(network, "_orig_mod", network)  # of torch.compile
    if isinstance(inner, nn.DataParallel):
        inner = inner.module
    if isinstance(inner, torch.jit.ScriptModule):
        schema = inner.forward.schema.arguments[1:]
        found = [(a.name, not a.has_default_value(), False, str(a.type)) for a in schema]
    else:
        try:
            parameters = inspect.signature(inner.forward).parameters.values()
        except (TypeError, ValueError):
            return None
        found = [
            (p.name, p.default is p.empty, p.kind is p.KEYWORD_ONLY, str(p.annotation))
            for p in parameters
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
    for number, (name, required, keyword, annotation) in enumerate(found):
        named = SIGMA.fullmatch(name.lower().strip("_"))
        if number and (named or (number == 1 and required and not keyword)):
            as_number = "float" in annotation and "Tensor" not in annotation
            return SigmaArgument(name, keyword or number > 1, "map" in name.lower(), as_number)
    return None


def open_denoiser(text: str, device: torch.device) -> Denoiser:
    """Open a denoiser by its description.

    Args:
        text: the name of a trained network, or a run folder (see
            :func:`normeq.denoisers.pretrained.weights_file`); or ``NAME=module:callable`` or
            ``NAME=path/file.py:callable`` for a user's own. That callable is a function ``f(noisy, sigma)``
            of a 2-D float32 array and σ in the units of the image, which returns an array; or a
            :class:`torch.nn.Module`, called as ``net(y, sigma)`` or ``net(y)``, as its ``forward`` asks (see
            :class:`Own`), with y (N, 1, H, W). Where it says of itself ``normalization_equivariant = True``,
            an attribute, images far from zero come to it with their mean taken out.
        device: where networks compute.

    Raises:
        NormeqError: nothing can be opened under that description; the cause is named.
    """
    if "=" in text and not Path(text).exists():
        return _open_callable(*text.split("=", 1), device)
    weights = weights_file(text)
    network, description = load_network(weights)
    spec = spec_of(description)
    channels = spec.network.get("image_channels", 1)
    if channels != 1:
        raise NormeqError(f"{text}: takes images of {channels} channels, and images are measured in gray")
    function = FoldedForInference(network.requires_grad_(False))
    centred = get_variant(spec.variant).centred
    return Denoiser(
        network=spec.network["name"],
        variant=spec.variant,
        train_sigma=spec.sigma_label,
        seed=str(spec.seed),
        weights=file_sha256(weights)[:8],
        function=(Centred(function) if centred else function).to(device),
        differentiable=True,
        batched=True,
        centred=centred,
    )


def _open_callable(name: str, target: str, device: torch.device) -> Denoiser:
    place, attribute = split_target(target)
    if not name or not place or not attribute:
        raise NormeqError(
            f"denoiser {name}={target}: write NAME=module:callable or NAME=path/file.py:callable"
        )
    found, world = load_callable(name, target)
    centred = getattr(found, DECLARATION, False) is True
    labels = {
        "network": name, "variant": OTHER, "train_sigma": "", "seed": "", "weights": world.identify(found),
        "world": world,
    }  # fmt: skip
    if isinstance(found, nn.Module):
        check_shaped(found, f"denoiser {name}")
        network = Own(found, name, world).to(device).eval().requires_grad_(False)
        function = Centred(network) if centred else network
        return Denoiser(**labels, function=function, differentiable=True, centred=centred)

    def apply(y: Tensor, sigma: float) -> Tensor:  # in float64 too, for the certificate
        arrays = y[:, 0].cpu().numpy()
        try:
            answers = [world.call(found, array, sigma) for array in arrays]
        except SystemExit as error:
            raise RuntimeError(f"it left the program with {error}") from None
        images = [real_array(answer, f"denoiser {name}").astype(arrays.dtype) for answer in answers]
        for image in images:
            if image.shape != y.shape[2:]:
                raise NormeqError(
                    f"denoiser {name}: returned shape {image.shape} "
                    f"for an image of shape {tuple(y.shape[2:])}"
                )
        return torch.from_numpy(np.stack(images))[:, None].to(y.device)

    function = partial(denoise_centred, apply) if centred else apply
    return Denoiser(**labels, function=function, differentiable=False, centred=centred)


def load_callable(name: str, target: str) -> tuple[Callable[..., Any], World]:
    """What ``module:callable`` or ``path/file.py:callable`` names, and where it runs.

    Args:
        name: what to call it in messages.
        target: the two halves.

    Raises:
        NormeqError: it cannot be imported, or is nothing to call.
    """
    _, attribute = split_target(target)
    world = World(target)
    try:
        found = getattr(world.load(), attribute)
    except (Exception, SystemExit) as error:  # whatever a user's file does when it is imported
        line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise NormeqError(f"denoiser {name}: cannot load {target} ({line})") from None
    if not callable(found):
        raise NormeqError(f"denoiser {name}: {target} is no function, but of type {type(found).__name__}")
    return found, world


def describe(denoiser: Denoiser, **extra: object) -> str:
    """Labels and more as JSON, for files that are not tables."""
    return json.dumps(denoiser.labels | {"weights": denoiser.identity} | extra)
