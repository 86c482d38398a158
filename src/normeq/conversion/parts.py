"""Modules of :mod:`torch.nn` and their equivariant twins."""

from __future__ import annotations

import copy
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.padding import _ConstantPadNd
from torch.nn.utils import parametrize

from normeq.conversion.record import UNKNOWN, Flow, Record
from normeq.errors import NormeqError
from normeq.nn.affine import AffineConv, AffineConv1d, AffineConv2d, AffineConv3d
from normeq.nn.linear import AffineLinear
from normeq.nn.norms import (
    BiasFreeBatchNorm,
    BiasFreeBatchNorm1d,
    BiasFreeBatchNorm2d,
    BiasFreeBatchNorm3d,
)
from normeq.nn.padding import Pad
from normeq.nn.residual import AffineResidual, Sum
from normeq.nn.rotation import RotatedSortPool
from normeq.nn.sort import SortPool
from normeq.nn.transposed import (
    AffineConvTranspose,
    AffineConvTranspose1d,
    AffineConvTranspose2d,
    AffineConvTranspose3d,
)
from normeq.nn.wrapper import NormalizationWrapper

HOMOGENEOUS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.RReLU)  # f(λx) = λf(x)
ACTIVATIONS = (
    *HOMOGENEOUS, nn.ReLU6, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Hardswish,
)  # fmt: skip
FIXED = (
    nn.Sigmoid, nn.Tanh, nn.Softmax, nn.Softmax2d, nn.LogSoftmax, nn.Softmin, nn.Hardsigmoid, nn.Hardtanh,
    nn.LogSigmoid, nn.Softsign, nn.Tanhshrink, nn.Threshold, nn.Softshrink, nn.Hardshrink, nn.GLU,
)  # fmt: skip
NORMALISATIONS = tuple(
    getattr(nn, name)
    for name in (
        "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm", "GroupNorm", "RMSNorm",
        "LocalResponseNorm", "CrossMapLRN2d",
    )
    if hasattr(nn, name)
)  # fmt: skip
AVERAGES = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
NORMS = (nn.LPPool1d, nn.LPPool2d, nn.LPPool3d)
# They choose, move or average values, with weights that sum to 1: equivariant to scale and shifts.
EQUIVARIANT = (
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d,
    nn.AdaptiveMaxPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
    nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d, nn.PixelShuffle, nn.PixelUnshuffle,
    nn.ChannelShuffle, nn.Flatten, nn.Unflatten, nn.Identity,
    nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d, nn.ReplicationPad1d, nn.ReplicationPad2d,
    nn.ReplicationPad3d, nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d,
    AffineConv, AffineConvTranspose, AffineLinear, AffineResidual, SortPool, RotatedSortPool,
    NormalizationWrapper, Pad,
)  # fmt: skip
BATCH_NORMS = {
    nn.BatchNorm1d: BiasFreeBatchNorm1d,
    nn.BatchNorm2d: BiasFreeBatchNorm2d,
    nn.BatchNorm3d: BiasFreeBatchNorm3d,
}
AFFINE = {nn.Conv1d: AffineConv1d, nn.Conv2d: AffineConv2d, nn.Conv3d: AffineConv3d}
TRANSPOSED = {
    nn.ConvTranspose1d: AffineConvTranspose1d,
    nn.ConvTranspose2d: AffineConvTranspose2d,
    nn.ConvTranspose3d: AffineConvTranspose3d,
}
KNOWN_ELSEWHERE = (*EQUIVARIANT, BiasFreeBatchNorm, Sum)  # beside PyTorch's own
LIBRARIES = ("torch.nn.modules.", "torch.ao.nn.", "normeq.nn.")
HARMLESS = ("reset_parameters", "reset_running_stats", "_check_input_dim")  # they compute no output
FIXED_VALUES = "its values do not follow the range of its input: leave it out"
DIVIDES = (
    "it divides by the deviation of its input, so that no scale comes out: leave it out, or normeq.wrap the "
    "whole network"
)


def is_part(module: nn.Module) -> bool:
    """Whether a module is one of PyTorch's or ours, and no container: what it computes is known by its class.

    A subclass with a ``forward`` of its own, or of what a ``forward`` calls, is somebody else's.
    """
    kind = type(module)
    if parametrize.is_parametrized(module):
        kind = kind.__bases__[0]
    home = next(base for base in kind.__mro__ if "forward" in vars(base))
    known = home.__module__.startswith(("torch.nn.modules", "torch.ao.nn")) or any(
        issubclass(kind, ours) and kind.forward is ours.forward for ours in KNOWN_ELSEWHERE
    )
    return (
        known
        and not isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
        and (home is not nn.Module)
        and not _has_own_steps(module, kind)
    )


def is_lazy(module: nn.Module) -> bool:
    """Whether the shapes of a module are not known yet."""
    return isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params()


def _has_own_steps(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether what the ``forward`` of a library calls (``_conv_forward``, ``constrain``) is another's."""
    libraries = [base for base in kind.__mro__ if f"{base.__module__}.".startswith(LIBRARIES)]
    own = [base for base in kind.__mro__ if base not in libraries and base is not object]
    for name, value in [*vars(module).items(), *(item for base in own for item in vars(base).items())]:
        if (
            (callable(value) or isinstance(value, property | classmethod | staticmethod))
            and any(name in vars(base) for base in libraries)
            and not hasattr(nn.Module, name)  # those compute nothing, and ``forward`` is looked at above
            and name not in HARMLESS
        ):
            return True
    return False


def twin_of(part: nn.Module, path: str, flow: Flow, record: Record) -> tuple[nn.Module, Flow]:
    """The equivariant twin of a part, and what is known of its output.

    What has none is put on record, and comes back as it is.
    """
    what = type(part).__name__
    after = flow_after(part, flow)
    if parametrize.is_parametrized(part):
        record.refuse(
            path, what, "parametrizations (weight norm, spectral norm) change it: remove them first"
        )
        return part, after
    try:
        made = _made(part, path, flow, record)
    except NormeqError as error:
        record.refuse(path, what, str(error))
        return part, after
    if made is None:
        record.overlook(path, what, "whether it is equivariant is not known")
        return part, UNKNOWN
    if made is not part:
        made.train(part.training)
        record.change(path, what, "left out" if isinstance(made, nn.Identity) else made)
    return made, after


def sort_pool(path: str, what: str, flow: Flow, record: Record) -> SortPool | None:
    """The sort pooling that stands in for an activation; None, on record, if there can be none."""
    dims = record.dims if flow.dims is None else flow.dims
    if dims is None:
        record.refuse(path, what, "which axis the channels are is not known: put it behind a convolution")
        return None
    if flow.channels == 1:
        record.refuse(path, what, "of a single channel no activation is equivariant to shifts: leave it out")
        return None
    return SortPool(dims, odd="pass")


def _made(part: nn.Module, path: str, flow: Flow, record: Record) -> nn.Module | None:
    """The twin; the part itself if it is equivariant or cannot be converted (then on record); None if nothing
    is known of it."""
    what = type(part).__name__

    def refused(why: str) -> nn.Module:
        record.refuse(path, what, why)
        return part

    if getattr(part, "return_indices", False):
        return None  # places beside values, which do not follow the range of the input
    if isinstance(part, EQUIVARIANT):
        return part
    if isinstance(part, Sum):
        return AffineResidual() if record.norm else part
    if is_lazy(part):
        return refused("its shapes are not known yet: call the network once")
    for kinds, make in _LAYERS:
        for kind, affine in kinds.items():
            if isinstance(part, kind):
                return make(part, affine, record) if record.norm else _without_bias(part)
    if isinstance(part, ACTIVATIONS):
        if record.norm:
            return sort_pool(path, what, flow, record) or part
        return part if isinstance(part, HOMOGENEOUS) else nn.ReLU()
    if isinstance(part, _BatchNorm | BiasFreeBatchNorm):
        return nn.Identity() if record.norm else _bias_free(part, refused)
    if isinstance(part, nn.AlphaDropout | nn.FeatureAlphaDropout) and not record.norm:
        return refused(FIXED_VALUES)
    if isinstance(part, _DropoutNd):
        return nn.Identity() if record.norm else part
    if isinstance(part, AVERAGES):
        if record.norm and getattr(part, "divisor_override", None):
            return refused("a divisor of its own makes no average: leave divisor_override out")
        return _averaging_what_is_there(part) if record.norm else part
    if isinstance(part, NORMS):
        return refused("a norm is no average: use AvgPool or MaxPool") if record.norm else part
    if isinstance(part, _ConstantPadNd):
        if part.value != 0:
            return refused("a fixed value beyond the border: pad by values of the image")
        return Pad(part.padding, record.padding_mode) if record.norm else part
    if isinstance(part, FIXED):
        return refused(FIXED_VALUES)
    if isinstance(part, NORMALISATIONS):
        return refused(DIVIDES)
    return None


def _affine_conv(conv: _ConvNd, kind: type[AffineConv], record: Record) -> nn.Module:
    mode = record.padding_mode if conv.padding_mode == "zeros" else conv.padding_mode
    made = kind(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, conv.dilation,
        conv.groups, padding_mode=mode, device="meta", constraint=record.constraint,
    )  # fmt: skip
    return _with_weight(made, conv.weight)


def _affine_transposed(conv: _ConvTransposeNd, kind: type[AffineConvTranspose], record: Record) -> nn.Module:
    made = kind(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.output_padding, conv.groups, dilation=conv.dilation, padding_mode=record.padding_mode,
        device="meta", constraint=record.constraint,
    )  # fmt: skip
    return _with_weight(made, conv.weight)


def _affine_linear(linear: nn.Linear, kind: type[AffineLinear], record: Record) -> nn.Module:
    made = kind(linear.in_features, linear.out_features, device="meta", constraint=record.constraint)
    return _with_weight(made, linear.weight)


_LAYERS = (
    (TRANSPOSED, _affine_transposed),
    (AFFINE, _affine_conv),
    ({nn.Linear: AffineLinear}, _affine_linear),
)


def _with_weight(made: nn.Module, weight: Tensor) -> nn.Module:
    # The parameter itself, which is that of a copy: layers that share one still share it.
    made.weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight.detach().clone())
    return made


def _without_bias(part: nn.Module) -> nn.Module:
    if part.bias is None:
        return part
    made = copy.copy(part)
    made._parameters = {"weight": part.weight, "bias": None}
    return made


def _bias_free(norm: nn.Module, refused: Callable[[str], nn.Module]) -> nn.Module:
    if isinstance(norm, BiasFreeBatchNorm):
        return norm
    kind = next((ours for theirs, ours in BATCH_NORMS.items() if isinstance(norm, theirs)), None)
    if kind is None or norm.momentum is None or norm.running_var is None:
        return refused("only BatchNorm1d, 2d and 3d with running statistics and a momentum have a twin")
    like = {"device": norm.running_var.device, "dtype": norm.running_var.dtype}
    made = kind(norm.num_features, norm.eps, norm.momentum, **like)
    made.running_var.copy_(norm.running_var)
    if norm.weight is None:
        made.weight.requires_grad_(False)
        return made
    return _with_weight(made, norm.weight)


def _averaging_what_is_there(pool: nn.Module) -> nn.Module:
    """An average without the zeros beyond the border."""
    padding = pool.padding if isinstance(pool.padding, tuple) else (pool.padding,)
    if not any(padding) or not pool.count_include_pad:
        return pool
    made = copy.copy(pool)
    made.count_include_pad = False
    return made


def flow_after(part: nn.Module, flow: Flow) -> Flow:
    """What is known of the output of a part, from what is known of its input."""
    if isinstance(part, _ConvNd):
        return Flow(len(part.kernel_size), part.out_channels)
    if isinstance(part, nn.Linear):
        return Flow(0, part.out_features)
    if isinstance(part, nn.Flatten):
        return Flow(0) if (part.start_dim, part.end_dim) == (1, -1) else UNKNOWN
    if isinstance(part, nn.Unflatten):
        return UNKNOWN
    if isinstance(part, nn.PixelShuffle):
        return Flow(2, None if flow.channels is None else flow.channels // part.upscale_factor**2)
    if isinstance(part, nn.PixelUnshuffle):
        return Flow(2, None if flow.channels is None else flow.channels * part.downscale_factor**2)
    name = type(part).__name__
    if name[-2:] in ("2d", "3d"):  # (what ends in 1d may take features)
        return Flow(int(name[-2]), flow.channels)
    return flow
