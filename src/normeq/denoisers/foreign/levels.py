"""At which noise level a file was trained, and as which variant, as far as its name says so."""

from __future__ import annotations

import re
from pathlib import Path

from normeq.errors import NormeqError

# Published files: what their name holds -> level in 8-bit units. Sources: the papers (DnCNN-B [0,55], FFDNet
# [0,75], DRUNet [0,50]), README of cszn/DnCNN (FDnCNN [0,75]).
PUBLISHED = {
    r"dncnn_(gray|color)_blind": "0-55",
    r"fdncnn_(gray|color)(_clip)?": "0-75",
    r"ffdnet_(gray|color)(_clip)?": "0-75",
    r"drunet_(gray|color)": "0-50",
}


def check_level(text: str) -> str:
    """A level as the tables have it, ``25`` or ``0-55``, from what a user wrote.

    Raises:
        NormeqError: no number or range between 0 and 255.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)(?:\s*[-–,]\s*(\d+(?:\.\d+)?))?\s*", text)
    low, high = (float(match[1]), float(match[2] or match[1])) if match else (1.0, 0.0)
    if not 0 <= low <= high <= 255:
        raise NormeqError(f"--sigma {text}: write a noise level or a range in 8-bit units, as 25 or 0-55")
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def level_of(layout: str, file: Path, member: str) -> str:
    """The level by the file's name, "" where it says none."""
    stem = file.stem.lower()
    if layout == "kair-ircnn":  # 25 networks, for σ = 2, 4, …, 50
        number = member.rpartition("/")[2]
        return str(2 * int(number) + 2) if number.isdigit() and int(number) < 25 else ""
    for pattern, level in PUBLISHED.items():
        if layout.startswith("kair") and re.fullmatch(pattern, stem):
            return level
    single = re.fullmatch(r"dncnn_(\d+)", stem) or re.search(r"sigma_?(\d+)(?![\d.-])", stem)
    if single:
        return str(int(single[1]))
    span = re.fullmatch(r"(?:range_)?(\d+)[-_](\d+)", stem) if layout.startswith("mohan") else None
    return check_level(f"{span[1]}-{span[2]}") if span else ""


def variant_of(file: Path) -> str | None:
    """The variant in the file's name, as the authors write it (``fdncnn_norm_equiv_noisemap.pth``)."""
    named = {word for word in ("scale", "norm") if re.search(rf"(^|[_-]){word}[_-]equiv", file.stem.lower())}
    return named.pop() if len(named) == 1 else None
