"""Pretrained networks, which come with the package, by name (docs/training.md, *Trained networks*).

A file here is a copy of ``results/runs/<run>/model.safetensors``; that folder has the record of its training
and all that was measured on it. Git stores the two once; a test keeps them the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from normeq.errors import NormeqError
from normeq.nn.unreadable import FOREIGN, foreign

if TYPE_CHECKING:
    from torch import nn

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The networks that can be loaded by name."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def weights_file(name: str) -> Path:
    """The weights of a network.

    Args:
        name: one of :func:`names`, a run folder, or a ``*.safetensors`` file. A name goes before a path.

    Raises:
        NormeqError: it is none of them.
    """
    if name in names():
        return FOLDER / f"{name}.safetensors"
    path = Path(name)
    if path.suffix == ".safetensors":
        return path
    if path.is_file() or (path.suffix in FOREIGN and not path.is_dir()):
        raise NormeqError(foreign(path))
    if path.is_dir() or path.parent != Path("."):
        return path / "model.safetensors"
    raise NormeqError(f"{unknown(name)}, or name a run folder")


def unknown(name: str) -> str:
    """What to say of a name that is none."""
    choice = f"choose from {', '.join(names())}" if names() else "none comes with this version"
    return f"no trained network is called {name!r}: {choice}"


def description(name: str) -> dict[str, Any]:
    """What a network was trained as: network (name, architecture, options), variant, dataset, sigma (8-bit
    units), seed, recipe.

    Raises:
        NormeqError: as :func:`load`.
    """
    from normeq.nn.weights import read_description

    return read_description(weights_file(name))


def is_imported(name: str) -> bool:
    """Whether ``name`` is that of a network made by ``normeq import``."""
    try:
        return "imported" in description(name)
    except NormeqError:
        return False


def load(name: str) -> nn.Module:
    """A trained network, in evaluation mode on the CPU.

    >>> network = normeq.load("fdncnn-norm-sigma25")  # doctest: +SKIP
    >>> denoised = network(noisy)  # doctest: +SKIP

    Args:
        name: as :func:`weights_file` takes it; ``normeq networks`` lists what there is.

    Returns:
        A module from noisy to denoised images, both (N, 1, H, W) float tensors. It knows neither range nor σ
        (imported networks may take colour, and σ as ``network(noisy, sigma)``):
        ``norm``, ``invariant`` and ``wrapped`` take images of any range, ``scale`` of any [0,b], ``ordinary``
        of [0,1]. For speed without gradients see :func:`normeq.nn.fold`.

    Raises:
        NormeqError: there is no such network, or its file cannot be read.
    """
    from normeq.nn.weights import load_network

    network, _ = load_network(weights_file(name))
    return network
