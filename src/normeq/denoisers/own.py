"""Users' Python files as modules: ``normeq.denoisers.own.NAME``, where NAME carries the path of the file.

A file that is loaded by its path needs a module of its own in ``sys.modules``: dataclasses and pickle look it
up there. The name is unique to the path, so that two ``den.py`` are two modules; and because importing
``normeq.denoisers.own`` brings the finder along, a process that unpickles one of its functions finds the file
again.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import re
import sys
from pathlib import Path
from types import ModuleType

__path__: list[str] = []  # makes this module a package, whose submodules the finder below knows


def module_name(file: Path) -> str:
    """The name of the module that is made of a file."""
    stem = re.sub(r"[^0-9A-Za-z]", "_", file.stem)
    return f"{__name__}.{stem}_{os.fsencode(file.resolve()).hex()}"


def fresh(file: Path) -> ModuleType:
    """Run a file as Python would, as it is now, and return its module."""
    name = module_name(file)
    sys.modules.pop(name, None)
    return importlib.import_module(name)


class Loader(importlib.machinery.SourceFileLoader):
    """Always from the source: compiled files know it by whole seconds."""

    def get_code(self, fullname: str):
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module: ModuleType) -> None:
        folder = str(Path(self.path).parent)
        if folder not in sys.path:  # another process, which was given a function of it
            sys.path.insert(0, folder)
        super().exec_module(module)


class Finder:
    @staticmethod
    def find_spec(fullname: str, path: object = None, target: object = None):
        parent, _, name = fullname.rpartition(".")
        if parent != __name__ or "_" not in name:
            return None
        try:
            file = os.fsdecode(bytes.fromhex(name.rpartition("_")[2]))
        except ValueError:
            return None
        return importlib.util.spec_from_file_location(fullname, file, loader=Loader(fullname, file))


sys.meta_path.append(Finder)
