"""What to say of a file that holds no weights of ours."""

from __future__ import annotations

from pathlib import Path

FOREIGN = (".pth", ".pt", ".ckpt", ".bin", ".th", ".pkl", ".tar")  # files of other programs


def foreign(path: Path) -> str:
    """What to say of a file that is no network of ours."""
    if not path.is_file():
        return f"{path}: no such file"
    return f"{path}: {_what_is(path)}"


def _what_is(path: Path) -> str:
    try:
        head = path.read_bytes()[:256].lstrip().lower()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if path.suffix == ".py":
        return f"a Python file: name a function or network in it, NAME={path}:FUNCTION"
    if path.name == "run.json":
        return f"the record of a run: name its folder, {path.parent}"
    if path.name == "checkpoint.pt":
        return (
            f"the checkpoint of a run: complete it with `normeq train`, then name its folder, {path.parent}"
        )
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, not weights: get the file itself"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not weights: run `git lfs pull`"
    if path.suffix in (*FOREIGN, ".safetensors") or head.startswith((b"pk\x03\x04", b"\x80")):
        return (
            f"weights of another program; `normeq import {path} --out NAME` makes a network of them "
            "(docs/import.md): then give that NAME"
        )
    return "no weights of ours: name a run folder, a .safetensors file or NAME=file.py:FUNCTION"
