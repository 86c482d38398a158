"""Running a user's Python file as Python would, and noticing what it reads."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from torch import nn

from normeq.denoisers import own
from normeq.denoisers.identity import Unknown, value_digest
from normeq.denoisers.sources import (
    described,
    is_installed,
    look,
    portable,
    record_reads,
    source_file,
    split_target,
)
from normeq.errors import NormeqError
from normeq.system.hashes import digest, sha256_of

# Audit events after which nobody can say what a denoiser depends on.
BEYOND = {
    "subprocess.Popen": "it starts other programs",
    "os.system": "it starts other programs",
    "os.exec": "it starts other programs",
    "os.posix_spawn": "it starts other programs",
    "os.spawn": "it starts other programs",
    "os.fork": "it starts other processes",
    "os.forkpty": "it starts other processes",
    "socket.connect": "it uses the network",
    "sqlite3.connect": "it reads a data base",
}
DEVICES = ("/proc/", "/sys/", "/dev/")

_listening: list[World] = []


class World:
    """The modules of one user's denoiser, and what they read.

    While it is loaded and whenever it runs, it finds its neighbours and its own modules; between, they are
    out of the way of other users' files, which may have neighbours of the same names.

    Attributes:
        module: the module that the target names.
        read: files that it opened, beyond modules.
        beyond: why it cannot be fully known; "" where nothing of that kind was seen.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.read: dict[Path, str] = {}
        self.beyond = ""
        self.unseen = ""
        self._installed = ""
        self._known: set[Path] = set()
        self._foreseen: set[Path] = set()
        self._opened: set[Path] = set()
        self._written: set[Path] = set()
        self._modules: dict[str, ModuleType] = {}
        file = source_file(target)
        folder = Path(file).resolve().parent if file else Path.cwd()
        self._path = list(dict.fromkeys([str(folder), str(Path.cwd())]))

    def load(self) -> ModuleType:
        """Import the module that the target names, afresh where it is the user's."""
        place, _ = split_target(self.target)
        with self.inside():
            importlib.invalidate_caches()
            return own.fresh(Path(place)) if place.endswith(".py") else importlib.import_module(place)

    def identify(self, found: Any) -> str:
        """What the loaded denoiser is known by: the first 8 hex digits of a hash over the whole target (file
        *and* function), the files of its modules, those that they name or have read so far, and what it
        holds (see :func:`normeq.denoisers.identity.value_digest`).

        Returns:
            "" where it is not fully known; :attr:`unknown` then says why.
        """
        source = look(self.target, self._module_files())
        self.unseen = self.beyond or source.unseen
        self.beyond = ""
        self._known = self.read.keys() | source.files.keys()
        self._foreseen = look(self.target).files
        if source_file(self.target) is None:
            self._installed = "it is a function of an installed package"
            return ""
        try:
            with self.inside():
                state = value_digest(found)
        except Exception as error:
            what = str(error) if isinstance(error, Unknown) else f"{type(error).__name__}: {error}"
            self.beyond = " ".join(what.split())[:200]
        if not isinstance(found, nn.Module):  # a network is what it holds, wherever that came from
            self.beyond = self.beyond or self.unseen
        if self.unknown:
            return ""
        read = {portable(path, self.target): sha for path, sha in self.read.items()}
        return digest(described(self.target, source) | {"read": read, "state": state})[:8]

    @property
    def unknown(self) -> str:
        """Why it is not fully known; "" where it is."""
        late = sorted(self.read.keys() - self._known)
        return self._installed or self.beyond or (f"it reads {late[0].name} while it runs" if late else "")

    def record(self, part: Path) -> None:
        """Tell the workflow what planning could not foresee (see
        :func:`normeq.denoisers.sources.record_reads`).
        """
        if split_target(self.target)[0].partition(".")[0] == "normeq":
            return  # known by its name, as our networks are
        modules = [path for path in self._module_files() if path not in self._foreseen]
        reads = {path: sha for path, sha in self.read.items() if path not in self._foreseen}
        record_reads(part, reads | sha256_of(modules), self.beyond or self.unseen)

    def _module_files(self) -> list[Path]:
        files = {getattr(module, "__file__", None) for module in self._modules.values()}
        return [Path(file).absolute() for file in sorted(files - {None})]

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call something of the user's."""
        with self.inside():
            return function(*arguments)

    def __deepcopy__(self, memo: dict) -> World:
        return self  # a copy of a network is of the same denoiser

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While the user's code runs."""
        _listen()
        path, bytecode, before = list(sys.path), sys.dont_write_bytecode, dict(sys.modules)
        hidden = self._in_the_way(before)
        for name in hidden:
            del sys.modules[name]
        sys.modules.update(self._modules)
        sys.path[:] = [*self._path, *(entry for entry in path if entry not in self._path)]
        sys.dont_write_bytecode = True  # compiled files know their source by whole seconds
        _listening.append(self)
        try:
            yield
        finally:
            _listening.remove(self)
            sys.path[:], sys.dont_write_bytecode = path, bytecode
            self._keep(before)
            sys.modules.update(hidden)
            self._settle()

    def _in_the_way(self, modules: dict[str, ModuleType]) -> dict[str, ModuleType]:
        """Modules of somebody else's that would be taken for neighbours."""
        folder = Path(self._path[0])
        neighbours = {place.stem for place in folder.iterdir() if place.suffix == ".py" or place.is_dir()}
        hidden = {}
        for name, module in modules.items():
            if name.partition(".")[0] in neighbours - {"__main__"}:
                file = getattr(module, "__file__", None)
                if file and not is_installed(file) and not Path(file).resolve().is_relative_to(folder):
                    hidden[name] = module
        return hidden

    def _keep(self, before: dict[str, ModuleType]) -> None:
        """Take the user's modules out of ``sys.modules``."""
        for name, module in list(sys.modules.items()):
            if name in before and before[name] is module:
                continue
            folders = list(getattr(module, "__path__", []))
            file = getattr(module, "__file__", None) or (folders[0] if folders else None)
            if not file or is_installed(file):
                continue
            self._modules[name] = module
            if not name.startswith(f"{own.__name__}."):  # those have names of their own, for pickle
                del sys.modules[name]

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, str | bytes | os.PathLike):
                writing = (flags or 0) & (os.O_WRONLY | os.O_RDWR) if mode is None else "r" not in mode
                (self._written if writing else self._opened).add(Path(os.fsdecode(path)).absolute())
        elif event == "ctypes.dlopen":
            if arguments[0] and os.path.isfile(arguments[0]):
                self._opened.add(Path(os.fsdecode(arguments[0])).absolute())
        else:
            self.beyond = self.beyond or BEYOND[event]

    def _settle(self) -> None:
        opened, self._opened = self._opened - self._written - self.read.keys(), set()
        modules = {str(path) for path in self._module_files()}
        for path in sorted(opened):
            devices = str(path).startswith(DEVICES)
            if devices or str(path) in modules or is_installed(path) or not path.is_file():
                continue
            try:
                self.read |= sha256_of([path])
            except NormeqError:
                self.beyond = self.beyond or f"it reads {path}, which cannot be read again"


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listening or (event != "open" and event != "ctypes.dlopen" and event not in BEYOND):
        return
    if not _by_import(sys._getframe(1)):
        _listening[-1]._note(event, arguments)


def _by_import(frame: FrameType | None) -> bool:
    """Whether the import system itself, or a package that is being imported, does it."""
    innermost = True
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            if innermost:
                return True
        elif file == __file__:  # where the user's code was called
            return False
        elif frame.f_code.co_name == "<module>":
            return is_installed(file)
        innermost = innermost and file.startswith("<frozen importlib")
        frame = frame.f_back
    return False


_hooked = False


def _listen() -> None:
    global _hooked
    if not _hooked:  # a hook stays to the end of the process
        is_installed(__file__)  # what it asks must be known before it listens
        sys.addaudithook(_audit)
        _hooked = True
