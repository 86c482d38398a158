"""How far a network sees: what a tile needs around it to be denoised as in the whole image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from normeq.nn.constrained import ConstrainedConv
from normeq.nn.dncnn import DnCNN
from normeq.nn.drunet import DRUNet, ResidualBlock
from normeq.nn.fdncnn import FDnCNN
from normeq.nn.ffdnet import FFDNet
from normeq.nn.kinds import is_kind
from normeq.nn.norms import BiasFreeBatchNorm
from normeq.nn.plain import PlainCNN
from normeq.nn.residual import AffineResidual, Sum
from normeq.nn.rotation import RotatedSortPool
from normeq.nn.sort import SortPool
from normeq.nn.transposed import AffineConvTranspose
from normeq.nn.wrapper import NormalizationWrapper

# Modules that run in the order in which their parts were registered; connections around parts see no further.
CHAINS = (nn.Sequential, nn.ModuleList, FDnCNN, DnCNN, PlainCNN, FFDNet, DRUNet, ResidualBlock)
POINTWISE = (
    nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.GELU, nn.SiLU, nn.Sigmoid,
    nn.Tanh, nn.Softplus, nn.Hardtanh, nn.Dropout, nn.Dropout2d, nn.BatchNorm2d, BiasFreeBatchNorm,
    SortPool, RotatedSortPool, AffineResidual, Sum,
)  # fmt: skip


@dataclass(frozen=True)
class Reach:
    """What decides which tiles are exact.

    Attributes:
        halo: pixels around a tile that its output depends on, at most; a multiple of ``multiple``.
        multiple: tiles must begin at multiples of this many pixels, which come together in one pixel of the
            coarsest scale.
        width: numbers per pixel of the widest layer, to judge memory by; three times that where skips hold
            the features of every scale.
    """

    halo: int
    multiple: int = 1
    width: float = 1.0


@dataclass(frozen=True)
class _Step:
    """A layer: how far it sees, in pixels of its own scale; the pixels of the image that are one of it; its
    channels."""

    radius: int
    scale: int
    channels: int = 0


def reach(network: nn.Module) -> Reach | None:
    """The reach of a network in evaluation mode.

    Kernel sizes, dilations, strides and changes of scale are read off its layers. Of a
    :class:`NormalizationWrapper` with statistics of the whole image it is that of the network inside.

    A module of another kind says it by attributes: ``halo`` and, where it has scales, ``multiple``, both in
    pixels. :class:`torch.nn.Sequential` of known layers is understood; a subclass with a ``forward`` of its
    own, of whatever class, is of another kind, and so is what has hooks.

    Returns:
        None where it is not known: layers that see the whole image, or modules of an unknown kind.
    """
    if is_kind(network, NormalizationWrapper):
        inside = reach(network.network)
        if inside is None or not network.local:
            return inside
        halo = math.ceil((inside.halo + network.box - 1) / inside.multiple) * inside.multiple
        return Reach(halo, inside.multiple, inside.width)
    try:
        steps = list(_steps(network, 1))
    except LookupError:
        return told_reach(network)
    multiple = math.lcm(*(step.scale for step in steps))
    halo = 0
    for step in reversed(steps):  # from the output back to the image
        halo = (math.ceil(halo / step.scale) + step.radius) * step.scale
    width = max((step.channels / step.scale**2 for step in steps), default=1.0)
    width *= 3 if isinstance(network, DRUNet) else 1
    return Reach(math.ceil(halo / multiple) * multiple, multiple, width)


def told_reach(found: object) -> Reach | None:
    """The reach that a module or function says it has, by ``halo`` and ``multiple``; None where it does
    not, or says what cannot be."""
    halo, multiple = getattr(found, "halo", None), getattr(found, "multiple", 1)
    if not isinstance(halo, int) or not isinstance(multiple, int) or halo < 0 or multiple < 1:
        return None
    layers = found.modules() if isinstance(found, nn.Module) else ()
    channels = [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)]
    return Reach(math.ceil(halo / multiple) * multiple, multiple, max(channels, default=1))


def _steps(module: nn.Module, scale: int) -> Iterator[_Step]:
    """The layers of a module in order; the generator returns the scale of its output.

    Raises:
        LookupError: a layer of unknown reach.
    """
    if is_kind(module, FFDNet):  # pixels are sorted into four images first, and back at the end
        yield _Step(0, 2 * scale)
        yield from _chain(module, 2 * scale)
        return scale
    if is_kind(module, *CHAINS):
        return (yield from _chain(module, scale))
    if is_kind(module, nn.ConvTranspose2d, AffineConvTranspose) and _blocks(module):
        step = _one(module.stride)
        if scale % step:
            raise LookupError
        yield _Step(0, scale // step, module.out_channels)
        return scale // step
    if is_kind(module, nn.PixelShuffle) and scale % module.upscale_factor == 0:
        return scale // module.upscale_factor
    if is_kind(module, nn.PixelUnshuffle):
        yield _Step(0, scale * module.downscale_factor)
        return scale * module.downscale_factor
    if is_kind(module, nn.MaxPool2d, nn.AvgPool2d) and _blocks(module):
        yield _Step(0, scale * _one(module.stride))
        return scale * _one(module.stride)
    if is_kind(module, nn.Conv2d, ConstrainedConv):
        kernel, stride, dilation = _one(module.kernel_size), _one(module.stride), _one(module.dilation)
        if stride > 1:
            if not _blocks(module):
                raise LookupError
            yield _Step(0, scale * stride, module.out_channels)
            return scale * stride
        if kernel % 2 == 0 or module.padding_mode == "circular":
            raise LookupError
        yield _Step(kernel // 2 * dilation, scale, module.out_channels)
        return scale
    if is_kind(module, *POINTWISE) and not _sees_all(module):
        return scale
    raise LookupError


def _sees_all(module: nn.Module) -> bool:
    """Whether a layer that is mostly pointwise is made so that it is not."""
    if isinstance(module, nn.BatchNorm2d | BiasFreeBatchNorm):  # by statistics of the image at hand
        return module.training or module.running_var is None
    if isinstance(module, SortPool | RotatedSortPool):  # of rows or columns; or a border from the other side
        return module.dims != 2 or getattr(module, "padding_mode", "") == "circular"
    return False


def _chain(module: nn.Module, scale: int) -> Iterator[_Step]:
    for child in module._modules.values():  # (children() gives one that is used twice only once)
        if child is not None:
            scale = yield from _steps(child, scale)
    return scale


def _blocks(module: nn.Module) -> bool:
    """Whether a layer with a stride takes each block of pixels for one, or one for each block."""
    kernel, padding = _one(module.kernel_size), _one(module.padding)
    dilation = _one(getattr(module, "dilation", 1))
    return kernel == _one(module.stride) and padding == 0 and dilation == 1


def _one(sizes: int | tuple[int, ...] | str) -> int:
    """The number that is meant along both axes.

    Raises:
        LookupError: they differ.
    """
    if isinstance(sizes, str):
        raise LookupError
    if isinstance(sizes, int):
        return sizes
    if len(set(sizes)) > 1:
        raise LookupError
    return sizes[0]
