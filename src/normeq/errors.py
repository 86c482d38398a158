"""The message of an error: one line that names the thing and the remedy."""

from __future__ import annotations

from collections.abc import Sequence


class NormeqError(Exception):
    """A user's mistake: one line that names the thing and the remedy.

    The command line prints it without a traceback and exits with status 2; library callers may catch it.
    """


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a GPU, by whatever library says so."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    words = (
        "out of memory",
        "can't allocate memory",
        "cannot allocate memory",
        "not enough memory",
        "bad_alloc",
        "alloc_failed",
        "failed to map segment",  # of a package that is imported only now
        "without exception set",  # Python itself, where there was no memory for the exception
        "could not get source code",  # PyTorch reads its own; Python's linecache swallows the MemoryError
    )
    return isinstance(error, RuntimeError | OSError | SystemError | ImportError) and any(
        word in str(error).lower() for word in words
    )


def explain(error: BaseException) -> str | None:
    """The line for an error that is the user's or the machine's; None for what is a fault of this program."""
    if isinstance(error, NormeqError):
        return str(error).replace("\n", "\\n")
    if is_out_of_memory(error):
        where = "the GPU" if "cuda" in f"{type(error)} {error}".lower() else "this machine"
        return (
            f"out of memory on {where}: take smaller images or crops, in training a smaller batch, or more "
            f"memory"
        )
    if isinstance(error, ModuleNotFoundError) and not (error.name or "normeq").startswith("normeq"):
        return missing_package(error)
    if isinstance(error, UnicodeEncodeError):  # such as a command line in a locale without its letters
        letters = error.object[error.start : error.end]
        return f"{letters!a} cannot be written in {error.encoding}: use another name, or set LC_ALL=C.UTF-8"
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}".replace("\n", "\\n")
    return None


def missing_package(error: ModuleNotFoundError) -> str:
    """The line for a package that a command needs and the library alone does not bring."""
    package = str(error.name).partition(".")[0]
    return f"the Python package {package} is not installed, which this needs: {install('suite')}"


def install(extra: str) -> str:
    """The command that brings an extra. (By its name alone pip would take somebody else's package.)"""
    return f"pip install '.[{extra}]' in a clone of normeq"


def few(names: Sequence[str], show: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return ", ".join(names[:show]) + more


def hint_of_number(value: object) -> str:
    """A hint where a text stands for a number, which YAML makes of 1e-3."""
    try:
        is_number = isinstance(value, str) and float(value) is not None
    except ValueError:
        is_number = False
    return " (YAML reads 1e-3 as text: write 1.0e-3 or 0.001)" if is_number else ""
