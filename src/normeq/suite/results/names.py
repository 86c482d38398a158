"""Names and counts as tables and figures print them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from normeq.imaging.protocol import get_protocol
from normeq.nn import variants

VARIANTS = {variant.name: variant.label for variant in variants.VARIANTS.values()}
DATASETS = {
    "set12": "Set12",
    "set12-without-04": "Set12 without 04",
    "bsd68": "BSD68",
    "skimage-test": "scikit-image photographs",
}

UNTRAINED = "n/a"  # as published tables say it of methods such as BM3D; ours leave the cell empty

# Our networks that equal a published one in depth, width and normalisation.
PUBLISHED_ARCHITECTURES = {"fdncnn20x64": "FDnCNN-20", "fdncnn": "FDnCNN-20", "dncnn20x64": "DnCNN-20-BN"}


def published_architecture(network: Mapping[str, Any]) -> str:
    """The published architecture that a network is, by its options and not by its name; "" if none."""
    options = {"architecture": "", "depth": 20, "channels": 64, "image_channels": 1} | dict(network)
    name = f"{options['architecture']}{options['depth']}x{options['channels']}"
    plain = not any(options.get(one) for one in ("noise_map", "residual")) and options["image_channels"] == 1
    return PUBLISHED_ARCHITECTURES.get(name, "") if plain else ""


def variant_name(variant: str, network: str) -> str:
    """``ordinary``, ...; a user's own denoiser goes by its own name."""
    return network if variant == "other" else VARIANTS.get(variant, variant)


def denoiser_name(network: str, variant: str) -> str:
    """``fdncnn8x32, ordinary``, ...; a user's own denoiser goes by its own name."""
    return network if variant == "other" else f"{network}, {variant_name(variant, network)}"


def dataset_name(dataset: str) -> str:
    """``Set12`` for ``set12``; data sets that are not known by another name keep theirs."""
    return DATASETS.get(dataset, dataset)


def level_name(label: str) -> str:
    """The noise level of training for a reader: ``25``, ``5–50``; a dash for what is not trained."""
    return "–" if label in ("", UNTRAINED) else label.replace("-", "–")


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names as a reader counts: ``net.10M``, ``net.41M``, ``net.164M``."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", name)]


def trained_names(labels: Iterable[str]) -> str:
    """``trained at σ = 25``, ``trained at σ = 10 and 25``, ``trained at σ = 5–50``, or ``not trained``."""
    levels = [level_name(label) for label in dict.fromkeys(labels) if label]
    return f"trained at σ = {' and '.join(levels)}" if levels else "not trained"


def counted(numbers: Iterable[int], noun: str) -> str:
    """``1 noise draw``, ``3 noise draws``, ``1–3 noise draws``."""
    whole = [int(number) for number in numbers if number == number]  # rows without a count hold NaN
    few, many = min(whole), max(whole)
    return f"{few if few == many else f'{few}–{many}'} {noun}{'' if many == 1 else 's'}"


def part_note(table: pd.DataFrame) -> str:
    """``, middle 128×128 pixels`` where a long table says that only those were measured."""
    sizes = {int(size) for size in table.get("size", []) if int(size)}
    return f", middle {sides(sizes)} pixels" if sizes else ""


def protocol_note(table: pd.DataFrame) -> str:
    """The conventions behind a long table: ``Protocol paper …``; without that column the paper's."""
    protocol = get_protocol(table["protocol"].iloc[0] if "protocol" in table else "paper")
    card = protocol.card()
    return f"Protocol {protocol.name} (`normeq protocol`): input {card['input']}; output {card['output']}."


def images_of(summary: pd.DataFrame) -> str:
    """``Set12 12 images, BSD68 68 images`` from the counts."""
    return ", ".join(
        f"{dataset_name(name)} {counted(rows['images'], 'image')}"
        for name, rows in summary.groupby("dataset", sort=False)
    )


def all_of(values: Iterable[float]) -> str:
    """``25``, ``25 and 50``: the distinct numbers, rising."""
    return " and ".join(f"{value:g}" for value in sorted(set(values)))


def sides(values: Iterable[float]) -> str:
    """``64×64``, ``32×32 and 64×64``: the distinct sides of squares, rising."""
    return " and ".join(f"{value:g}×{value:g}" for value in sorted(set(values)))


def measured_on(summary: pd.DataFrame) -> str:
    """``Set12 12 images, BSD68 68 images; 1 noise draw per image; 1 training seed`` from the counts."""
    draws, seeds = counted(summary["draws"], "noise draw"), counted(summary["seeds"], "training seed")
    return f"{images_of(summary)}; {draws} per image; {seeds}"
