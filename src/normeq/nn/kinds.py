"""Whether a module computes what its class says."""

from __future__ import annotations

from torch import nn


def is_kind(module: nn.Module | None, *kinds: type[nn.Module]) -> bool:
    """Whether a module does what one of these kinds does: it is one, without a ``forward`` of its own (of its
    class or of the module itself) and without hooks, which may change what goes in and what comes out."""
    return (
        module is not None
        and not has_hooks(module)
        and "forward" not in vars(module)
        and any(isinstance(module, kind) and type(module).forward is kind.forward for kind in kinds)
    )


def has_hooks(module: nn.Module) -> bool:
    """Whether hooks see, and may change, the input or the output of a module (not those inside it)."""
    return bool(module._forward_hooks or module._forward_pre_hooks)
