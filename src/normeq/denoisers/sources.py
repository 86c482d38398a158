"""What a user's own denoiser is made of, as far as it can be told without running it.

A denoiser is the whole target (file and function), the modules of the user's that it imports, and the files
that they name: weights beside them, above all. What a file reads beyond that is found out when it runs (see
:mod:`normeq.suite.measurements.own`) and recorded beside the measurement, so that the workflow can plan by
it.
"""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from normeq.errors import NormeqError
from normeq.system.files import read_json, write_json
from normeq.system.hashes import digest, sha256_of

# Weights, often read by compiled code, which nothing in Python sees: those beside a user's module count as
# its own whatever it says.
WEIGHTS = set(".safetensors .onnx .pt .pth .ckpt .bin .h5 .hdf5 .tflite .pb .ts .engine".split())
# Files that count where a module names them. Others (logs, say) count where they are seen to be read.
NAMED = WEIGHTS | set(
    ".npz .npy .pkl .pickle .joblib .mat .json .yaml .yml .toml .xml .png .tif .tiff .jpg".split()
)
# Packages that read files unseen, and the names by which they do ("": always).
UNSEEN = {
    "safetensors": ("",),
    "onnxruntime": ("",),
    "h5py": ("",),
    "tensorflow": ("",),
    "openvino": ("",),
    "tensorrt": ("",),
    "cv2": ("dnn", "imread", "FileStorage", "readNet"),
    "torch": ("jit", "package"),
    "normeq": ("load", "weights"),
}
# Names by which a file starts other processes, which read what they like.
PROCESSES = {"Pool", "Process", "Parallel", "ProcessPoolExecutor"}
RUN = "NORMEQ_RUN"  # environment: the run of the workflow that a process belongs to
LONGEST = 255  # characters of a text that may be the name of a file


@cache
def _installed_folders() -> tuple[Path, ...]:
    folders = {sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    return (Path(__file__).resolve().parents[1], *(Path(folder).resolve() for folder in sorted(folders)))


@cache
def is_installed(file: str | Path) -> bool:
    """Whether a file belongs to Python, to an installed package or to this one, and so not to the user."""
    path = Path(os.path.realpath(file))
    if {"site-packages", "dist-packages"} & set(path.parts):
        return True
    return any(path.is_relative_to(folder) for folder in _installed_folders())


def split_target(target: str) -> tuple[str, str]:
    """``file.py:function`` or ``module:function`` as its two halves."""
    place, _, attribute = target.rpartition(":")
    return place, attribute


def source_file(target: str) -> str | None:
    """The user's file behind ``file.py:function`` or ``module:function``.

    Returns:
        Its path, relative to the working directory where it is below; None for functions of installed
        packages, and where there is no such file.
    """
    place, _ = split_target(target)
    if place.endswith(".py"):
        return place if Path(place).is_file() else None
    files = _module_files(place, _folders(None))
    file = files[-1] if files and files[-1].suffix == ".py" else None
    if file is None or file.stem not in ("__init__", place.rpartition(".")[2]):
        return None
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


@dataclass(frozen=True)
class Source:
    """What a user's denoiser is made of.

    Attributes:
        files: its modules and the files that they name, as absolute paths, with their SHA-256.
        words: settings of the environment that its modules name.
        unseen: why there may be more, in a few words; "" where nothing says so.
    """

    files: dict[Path, str]
    words: dict[str, str]
    unseen: str = ""


def look(target: str, more: Sequence[Path] = ()) -> Source:
    """Find what a user's denoiser is made of, without running it.

    Args:
        target: ``file.py:function`` or ``module:function``.
        more: other modules that it was seen to import.

    Raises:
        NormeqError: a file cannot be read.
    """
    file = source_file(target)
    modules, data, texts, names, imported = set(), set(), set(), set(), set()
    waiting = [Path(file).absolute(), *more] if file else list(more)
    place, _ = split_target(target)
    if file and not place.endswith(".py"):
        waiting += _module_files(place, _folders(None))
    while waiting:
        module = waiting.pop()
        if module in modules or not module.is_file():
            continue
        modules.add(module)
        data.update(_beside(module))
        try:
            tree = ast.parse(module.read_bytes()) if module.suffix == ".py" else ast.Module([], [])
        except (SyntaxError, ValueError, OSError):  # told when it is loaded
            continue
        for name, level in _imports(tree):
            imported.add(name.partition(".")[0])
            names.add(name.rpartition(".")[2])
            folders = _folders(module) if not level else [module.parents[level - 1]]
            waiting.extend(_module_files(name, folders))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.Name | ast.Attribute):
                names.add(node.id if isinstance(node, ast.Name) else node.attr)
    data.update(_named_files(modules, texts))
    reads = [p for p, how in UNSEEN.items() if p in imported and ("" in how or _any_like(how, names))]
    unseen = f"it uses {reads[0]}, which reads files unseen" if reads and not data else ""
    if names & PROCESSES:
        unseen = "it starts other processes"
    asked = names & {"environ", "getenv", "environb"}
    words = {t: os.environ[t] for t in sorted(texts) if asked and t and "\0" not in t and t in os.environ}
    return Source(sha256_of(sorted(modules | data)), words, unseen)


def _any_like(starts: Sequence[str], names: set[str]) -> bool:
    return any(name.startswith(start) for name in names for start in starts)


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that a module may import, and how many folders up they start (0: not relative)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, 0) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = f"{node.module}." if node.module else ""
            yield from ((f"{parent}{name.name}", node.level) for name in node.names)


def _folders(module: Path | None) -> list[Path]:
    """Where a user's module finds others of the user's: beside it, in the working directory, on the path."""
    own = [module.parent] if module else []
    path = [Path(entry).absolute() for entry in sys.path if entry and not is_installed(entry)]
    return list(dict.fromkeys([*own, Path.cwd(), *path]))


def _module_files(name: str, folders: Sequence[Path]) -> list[Path]:
    """Files of the user's that ``import name`` runs: packages above it first; what is no module is passed
    over, as the last part of ``from module import function``."""
    files = []
    for part in name.split("."):
        below = []
        for folder in folders:
            package, module = folder / part / "__init__.py", folder / f"{part}.py"
            if package.is_file() or module.is_file():
                found = package if package.is_file() else module
                if is_installed(found):
                    return files
                files.append(found.absolute())
                below = [package.parent] if found == package else []
                break
            ends = (".so", ".pyd") if part.isidentifier() else ()
            compiled = [file for end in ends for file in folder.glob(f"{part}.*{end}")]
            if compiled:
                files.extend(file.absolute() for file in compiled)
                break
            if (folder / part).is_dir():
                below.append(folder / part)
        if not below:
            break
        folders = below
    return files


def _beside(module: Path) -> Iterator[Path]:
    """Weights beside a module."""
    for file in module.parent.iterdir():
        if file.suffix.lower() in WEIGHTS and file.is_file() and not file.name.startswith("."):
            yield file.absolute()


def _named_files(modules: set[Path], texts: set[str]) -> Iterator[Path]:
    """Files that the texts in some modules name, also below folders that they name, and weights there."""
    texts = {t for t in texts if 0 < len(t) <= LONGEST and t.isprintable() and t.strip("./\\ ")}
    folders = {Path.cwd()}
    for module in modules:
        folders.update((module.parent, module.parent.parent))
    named: set[Path] = set()
    for _ in range(4):  # "weights" / "gray" / "25.npy"
        below = {folder / os.path.expanduser(text) for folder in folders for text in texts}
        below = {path for path in below if _is(path, os.path.isdir)} - folders
        named |= below
        folders |= below
        if not below:
            break
    for folder in folders:
        for text in texts:
            path = folder / os.path.expanduser(text)
            if path.suffix.lower() in NAMED and _is(path, os.path.isfile) and not is_installed(path):
                yield path.absolute()
    for folder in named:
        yield from (file.absolute() for file in folder.iterdir() if file.suffix.lower() in WEIGHTS)


def _is(path: Path, what: Any) -> bool:
    try:
        return what(path)
    except (OSError, ValueError):
        return False


def portable(file: Path, target: str) -> str:
    """The path of a file as seen from the user's file, so that a project that moves stays the same."""
    source = source_file(target)
    start = Path(source).absolute().parent if source else Path.cwd()
    try:
        return Path(os.path.relpath(file, start)).as_posix()
    except ValueError:  # another drive
        return file.as_posix()


def described(target: str, source: Source) -> dict[str, Any]:
    """All that is known of a user's denoiser, for a hash: the target, and every file."""
    place, attribute = split_target(target)
    return {
        "target": [place.rpartition("/")[2], attribute],
        "files": {portable(file, target): sha for file, sha in source.files.items()},
        "words": source.words,
    }


def planned(target: str) -> str | None:
    """What names the measurements of a user's denoiser in the workflow: changes with all that :func:`look`
    finds, and with the version of an installed package.

    Returns:
        SHA-256 (hex); None for the classical denoisers of this package, which are known by name as its
        networks are.
    """
    place, attribute = split_target(target)
    if place.partition(".")[0] == "normeq":
        return None
    if source_file(target):
        return digest(described(target, look(target)))
    packages = packages_distributions().get(place.partition(".")[0], [])
    versions = []
    for package in sorted(set(packages)):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(package)
    return digest({"target": [place, attribute], "versions": versions})


def may_be_module(target: str) -> bool:
    """Whether a target may be a :class:`torch.nn.Module`: all but what its file defines as a plain function
    or method, and this package's classical denoisers."""
    place, attribute = split_target(target)
    if place.partition(".")[0] == "normeq":
        return False
    file = source_file(target)
    if file is None:
        return not place.endswith(".py")
    try:
        body = ast.parse(Path(file).read_bytes()).body
    except (SyntaxError, ValueError, OSError):
        return True
    bound = [node for node in body if attribute in _binds(node)]
    plain = [isinstance(node, ast.FunctionDef) and not node.decorator_list for node in bound]
    return not plain or not plain[-1]


def _binds(node: ast.stmt) -> set[str]:
    """Names that a statement of a module may bind."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    names |= {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    aliases = [a for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names]
    return names | {a.asname or a.name for a in aliases}


# --- what a measurement found out, beside its file in the workflow


def reads_file(part: str | Path) -> Path:
    """The record beside a measurement of what its denoiser read beyond :func:`look`."""
    return Path(part).with_suffix(".reads.json")


def record_reads(part: str | Path, reads: dict[Path, str], unknown: str) -> None:
    """Write that record, within the workflow only; remove it where there is nothing to say.

    Args:
        part: the file of the measurement.
        reads: other files that were read, with their SHA-256.
        unknown: why the denoiser is not fully known; "" where it is.
    """
    if not in_workflow():
        return
    file = reads_file(part)
    if not reads and not unknown:
        file.unlink(missing_ok=True)
        return
    shown = {_relative(path): sha for path, sha in sorted(reads.items())}
    write_json(file, {"run": os.environ[RUN], "unknown": unknown, "files": shown})


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def outdated(part: str | Path) -> Any:
    """What must enter the name of a measurement because of what an earlier one found out.

    Returns:
        None where the file of the measurement can stand for it: there is no record, it was made in this very
        run of the workflow, or the files that it read are as they were. Otherwise the state of those files
        now, or the number of this run where the denoiser cannot be fully known.
    """
    file = reads_file(part)
    if not file.is_file():
        return None
    try:
        record = read_json(file)
        run, unknown, before = record["run"], record["unknown"], dict(record["files"])
    except (NormeqError, KeyError, TypeError, ValueError):
        return this_run()
    if run == os.environ.get(RUN):
        return None
    if unknown:
        return this_run()
    now = {name: (sha256_of([name])[Path(name)] if Path(name).is_file() else "") for name in before}
    return None if now == before else now


def in_workflow() -> bool:
    """Whether this is a job of the workflow."""
    return RUN in os.environ


def this_run() -> str:
    """The number of this run of the workflow, the same in all its processes."""
    return os.environ.setdefault(RUN, uuid.uuid4().hex)
