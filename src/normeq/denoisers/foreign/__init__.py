"""Other people's weights as networks of ours (docs/import.md)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def import_weights(
    file: str | Path,
    out: str | Path | None = None,
    *,
    layout: str | None = None,
    variant: str | None = None,
    member: str | None = None,
    sigma: str | None = None,
    force: bool = False,
) -> nn.Module:
    """Turn a file of weights that another program wrote into a network of ours.

    >>> network = normeq.import_weights("dncnn_25.pth", "dncnn25")  # doctest: +SKIP
    >>> denoised = network(noisy)  # doctest: +SKIP

    Args:
        file: written by ``torch.save`` (a state dict, alone or in an envelope) or by safetensors. Nothing in
            it is executed.
        out: where to save the network: a folder (``model.safetensors`` goes into it) or a ``*.safetensors``
            file. Its name is that of the network in tables, and ``out`` is what a denoiser is named by
            afterwards. None for not saving it.
        layout: one of :data:`normeq.denoisers.foreign.layouts.LAYOUTS`; None to recognise it by keys and
            shapes.
        variant: ``scale`` or ``norm``, where keys and shapes fit both and the file's name says neither.
        member: which state dict, where the file holds several.
        sigma: noise level of training in 8-bit units, ``25`` or ``0-55``, for tables; None for what the
            published files of that name were trained at, or nothing.
        force: replace ``out`` if it exists.

    Returns:
        The network, in evaluation mode on the CPU: ``net(y)`` or, with a noise map, ``net(y, sigma)``; y is
        (N, C, H, W), sigma in the units of y (25/255 on images in [0,1]).

    Raises:
        NormeqError: the file cannot be read, has another layout, or is ambiguous; what does not fit is named
            by key and shape. Nothing is written then.
    """
    from normeq.denoisers.foreign.convert import import_network

    return import_network(file, out, layout, variant, member, sigma, force)[0]
