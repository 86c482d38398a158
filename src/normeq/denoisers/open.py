"""Anything that denoises, seen in one way: a trained run, or a user's own function."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from normeq.denoisers.foreign.spec import spec_of
from normeq.denoisers.pretrained import weights_file
from normeq.denoisers.sources import source_file
from normeq.errors import NormeqError
from normeq.nn import FoldedForInference
from normeq.nn.weights import load_network
from normeq.system.provenance import file_sha256

OTHER = "other"  # the variant of denoisers that are not ours


@dataclass(frozen=True)
class Denoiser:
    """A denoiser and its labels in the tables.

    Attributes:
        network, variant, train_sigma, seed: labels; ``train_sigma`` in 8-bit units, "" where nothing was
            trained.
        weights: first 8 hex digits of the SHA-256 of the weights, or of the file of a user's function; "" for
            functions of installed packages.
        function: (N, 1, H, W) float32 and σ in the units of the image, to the same shape.
        differentiable: whether PyTorch can differentiate ``function``.
        batched: whether images of a batch are known not to influence each other.
    """

    network: str
    variant: str
    train_sigma: str
    seed: str
    weights: str
    function: Callable[[Tensor, float], Tensor]
    differentiable: bool
    batched: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The leading columns of every table."""
        return {
            "network": self.network,
            "variant": self.variant,
            "train_sigma": self.train_sigma,
            "seed": self.seed,
        }

    def __call__(self, y: Tensor, sigma: float) -> Tensor:
        return self.function(y, sigma)


class Blind(nn.Module):
    """A user's network, which is not told σ."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, y: Tensor, sigma: float) -> Tensor:
        return self.network(y)


def open_denoiser(text: str, device: torch.device) -> Denoiser:
    """Open a denoiser by its description.

    Args:
        text: the name of a trained network, or a run folder (see
            :func:`normeq.denoisers.pretrained.weights_file`); or ``NAME=module:callable`` or
            ``NAME=path/file.py:callable`` for a user's own. That callable is an
            :class:`torch.nn.Module`, called as ``net(y)`` with (N, 1, H, W) tensors, or a function
            ``f(noisy, sigma)`` of a 2-D float32 array and σ in the units of the image, which returns an
            array.
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
    return Denoiser(
        network=spec.network["name"],
        variant=spec.variant,
        train_sigma=spec.sigma_label,
        seed=str(spec.seed),
        weights=file_sha256(weights)[:8],
        function=FoldedForInference(network.requires_grad_(False)).to(device),
        differentiable=True,
        batched=True,
    )


def _open_callable(name: str, target: str, device: torch.device) -> Denoiser:
    place, _, attribute = target.rpartition(":")
    if not name or not place or not attribute:
        raise NormeqError(
            f"denoiser {name}={target}: write NAME=module:callable or NAME=path/file.py:callable"
        )
    found = load_callable(name, target)
    source = source_file(target)
    content = file_sha256(source)[:8] if source else ""
    labels = {"network": name, "variant": OTHER, "train_sigma": "", "seed": "", "weights": content}
    if isinstance(found, nn.Module):
        network = Blind(found).to(device).eval().requires_grad_(False)
        return Denoiser(**labels, function=network, differentiable=True)

    def apply(y: Tensor, sigma: float) -> Tensor:  # in float64 too, for the certificate
        arrays = y[:, 0].cpu().numpy()
        try:
            answers = [np.asarray(found(array, sigma)) for array in arrays]
        except SystemExit as error:
            raise RuntimeError(f"it left the program with {error}") from None
        if any(answer.dtype.kind not in "fiub" for answer in answers):
            raise TypeError(f"it returned {answers[0].dtype}, not an array of real numbers")
        images = [answer.astype(arrays.dtype) for answer in answers]
        for image in images:
            if image.shape != y.shape[2:]:
                raise NormeqError(
                    f"denoiser {name}: returned shape {image.shape} "
                    f"for an image of shape {tuple(y.shape[2:])}"
                )
        return torch.from_numpy(np.stack(images))[:, None].to(y.device)

    return Denoiser(**labels, function=apply, differentiable=False)


def load_callable(name: str, target: str) -> Callable[..., object]:
    """What ``module:callable`` or ``path/file.py:callable`` names.

    Args:
        name: what to call it in messages.
        target: the two halves.

    Raises:
        NormeqError: it cannot be imported, or is nothing to call.
    """
    place, _, attribute = target.rpartition(":")
    try:
        if place.endswith(".py"):
            module_spec = importlib.util.spec_from_file_location(Path(place).stem, place)
            module = importlib.util.module_from_spec(module_spec)
            module_spec.loader.exec_module(module)
        else:
            module = importlib.import_module(place)
        found = getattr(module, attribute)
    except (Exception, SystemExit) as error:  # whatever a user's file does when it is imported
        line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise NormeqError(f"denoiser {name}: cannot load {target} ({line})") from None
    if not callable(found):
        raise NormeqError(f"denoiser {name}: {target} is no function, but of type {type(found).__name__}")
    return found


def describe(denoiser: Denoiser, **extra: object) -> str:
    """Labels and more as JSON, for files that are not tables."""
    return json.dumps(denoiser.labels | {"weights": denoiser.weights} | extra)
