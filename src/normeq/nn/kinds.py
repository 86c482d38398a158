"""Whether a module computes what its class says."""

from __future__ import annotations

from torch import nn

# What decides about the output of a layer, where its kind has it: a convolution with kernels of its own has
# them in any of these.
_METHODS = ("forward", "_conv_forward", "compute", "pad")


def is_kind(module: nn.Module | None, *kinds: type[nn.Module]) -> bool:
    """Whether a module does what one of these kinds does: it is one, without a ``forward`` of its own (of its
    class or of the module itself; nor one of the methods that ``forward`` leaves the work to) and without
    hooks, which may change what goes in and what comes out."""
    return (
        module is not None
        and not has_hooks(module)
        and any(isinstance(module, kind) and _acts_as(module, kind) for kind in kinds)
    )


def _acts_as(module: nn.Module, kind: type[nn.Module]) -> bool:
    return all(
        name not in vars(module) and getattr(type(module), name) is getattr(kind, name)
        for name in _METHODS
        if hasattr(kind, name)
    )


def has_hooks(module: nn.Module) -> bool:
    """Whether hooks see, and may change, the input or the output of a module (not those inside it)."""
    return bool(module._forward_hooks or module._forward_pre_hooks)
