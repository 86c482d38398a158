"""Telling users' denoisers apart by what they hold: weights, settings, what a closure or a partial keeps."""

from __future__ import annotations

import functools
import hashlib
import pickle
import re
import sys
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from normeq.denoisers.sources import is_installed


class Unknown(Exception):
    """Something whose content cannot be told; the words say what."""


def value_digest(value: Any) -> str:
    """SHA-256 (hex) of all that a value holds and that its functions use: numbers, arrays, parameters and
    buffers with their formats, what closures, partials and instances keep, and the globals that they name.

    Code is not in it (the files are hashed), nor what installed packages hold.

    Raises:
        Unknown: it holds something whose content cannot be told, such as an open file.
    """
    hashed = hashlib.sha256()
    seen: dict[int, tuple[int, Any]] = {}  # by id; the values are kept, so that no other gets their number

    def add(*parts: object) -> None:
        for part in parts:
            content = part if isinstance(part, bytes) else repr(part).encode()
            hashed.update(b"%d:" % len(content) + content)

    def walk(value: Any, where: str) -> None:
        plain = value is None or isinstance(value, bool | int | float | complex | str | bytes | Path)
        if plain or isinstance(value, np.generic | torch.dtype | torch.device | re.Pattern):
            add(type(value).__name__, value if isinstance(value, bytes) else repr(value))
            return
        if id(value) in seen:
            add("again", seen[id(value)][0])
            return
        seen[id(value)] = (len(seen), value)
        if isinstance(value, torch.Tensor):
            array = value.detach().cpu().contiguous()
            add("tensor", str(value.dtype), tuple(value.shape))
            add(array.flatten().view(torch.uint8).numpy().tobytes() if array.numel() else b"")
        elif isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                walk(value.tolist(), where)
            else:
                add("array", str(value.dtype), value.shape, np.ascontiguousarray(value).tobytes())
        elif isinstance(value, list | tuple):
            add(type(value).__name__, len(value))
            for entry in value:
                walk(entry, where)
        elif isinstance(value, set | frozenset):
            add("set", sorted(value_digest(entry) for entry in value))
        elif isinstance(value, dict):
            add(type(value).__name__, len(value))
            for key, entry in value.items():
                walk(key, where)
                walk(entry, f"{where}[{key!r}]")
        elif isinstance(value, torch.jit.ScriptModule):
            add(
                "script", str(value.code), sorted((k, value_digest(v)) for k, v in value.state_dict().items())
            )
        elif isinstance(value, nn.Module) and "_orig_mod" in value._modules:  # of torch.compile
            walk(value._modules["_orig_mod"], where)
        elif isinstance(value, nn.Module):
            kind(value)
            for name, entry in sorted([*value.named_parameters(), *value.named_buffers()]):
                add(name)
                walk(entry, f"{where}.{name}")
            hidden = ("_parameters", "_buffers", "_modules")
            for name, entry in sorted(vars(value).items()):
                if name not in hidden and not (name.startswith("_") and not entry):
                    add(name)
                    walk(entry, f"{where}.{name}")
            for name, entry in value._modules.items():  # (named_children leaves out repeated ones)
                if entry is not None:
                    add(name)
                    walk(entry, f"{where}.{name}")
        elif isinstance(value, functools.partial):
            add("partial")
            walk([value.func, value.args, value.keywords], where)
        elif isinstance(value, MethodType):
            add("method", value.__name__)
            walk([value.__self__, value.__func__], where)
        elif isinstance(value, FunctionType):
            function(value, where)
        elif hasattr(value, "__wrapped__"):  # of functools.cache and others
            walk(value.__wrapped__, where)
        elif isinstance(value, ModuleType):
            add("module", value.__name__)
        elif isinstance(value, type):
            kind(value)
        elif isinstance(value, BuiltinFunctionType) and isinstance(value.__self__, ModuleType | type(None)):
            add("builtin", value.__module__, value.__qualname__)
        elif not is_foreign(type(value)) and (hasattr(value, "__dict__") or hasattr(value, "__slots__")):
            kind(value)
            slots = [name for one in type(value).__mro__ for name in _slots(one) if hasattr(value, name)]
            held = {name: getattr(value, name) for name in slots} | getattr(value, "__dict__", {})
            for name, entry in sorted(held.items()):
                add(name)
                walk(entry, f"{where}.{name}")
        else:
            try:
                add("pickle", pickle.dumps(value, protocol=4))
            except Exception:
                raise Unknown(f"{where} holds a {type(value).__name__}, which cannot be compared") from None

    def kind(value: Any) -> None:
        """The class of a value, and what the functions of a user's class use."""
        own = value if isinstance(value, type) else type(value)
        add("class", own.__module__.rpartition(".")[2], own.__qualname__)
        for one in (one for one in own.__mro__ if not is_foreign(one) and id(one) not in seen):
            seen[id(one)] = (len(seen), one)
            for name, entry in sorted(vars(one).items()):
                if name.startswith("__") and not callable(entry):
                    continue
                entry = getattr(entry, "__func__", entry)  # of static and class methods
                entries = [entry.fget, entry.fset] if isinstance(entry, property) else [entry]
                for part in entries:
                    if isinstance(part, FunctionType):
                        walk(part, f"{own.__qualname__}.{name}")
                    elif not callable(part) and not hasattr(part, "__get__"):
                        walk(part, f"{own.__qualname__}.{name}")

    def function(value: FunctionType, where: str) -> None:
        add("function", value.__qualname__)
        if is_installed(value.__code__.co_filename):
            add(value.__module__)
        else:
            names = _names(value.__code__)
            for name in sorted(names & value.__globals__.keys()):
                entry = value.__globals__[name]
                add(name)
                if isinstance(entry, ModuleType) and not is_foreign(entry):
                    for part in sorted(names & vars(entry).keys()):  # helper.LEVEL
                        add(part)
                        walk(vars(entry)[part], f"{name}.{part}")
                else:
                    walk(entry, name)
        walk([value.__defaults__, value.__kwdefaults__], where)
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            add(name)
            try:
                content = cell.cell_contents
            except ValueError:  # not bound yet
                continue
            walk(content, name)

    walk(value, getattr(value, "__name__", type(value).__name__))
    return hashed.hexdigest()


def is_foreign(value: type | ModuleType) -> bool:
    """Whether a class or module is not the user's."""
    module = value if isinstance(value, ModuleType) else sys.modules.get(value.__module__)
    if isinstance(value, type) and module is None:  # the user's are out of sys.modules between calls
        return False
    file = getattr(module, "__file__", None)
    return file is None or is_installed(file)


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _names(code: CodeType) -> set[str]:
    """Names that a function and those within it look up."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names
