"""What the authors' notebook prints for single images (Herbreteau et al. 2023), beside our tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from normeq.nn.variants import names_in
from normeq.suite.results.names import dataset_name
from normeq.suite.results.pictures import Part
from normeq.suite.results.published import AUTHORS, read_published, same_number

PAPER = "Herbreteau2023"
SUM, PSNR = "adaptive_filter_sum", "PSNR_clipped"
SOURCE = f"{AUTHORS[PAPER]}, notebook"


def _rows(published: Path) -> pd.DataFrame:
    table = read_published(published, "published_psnr.csv")
    return table[table["paper"] == PAPER]


def filters(published: Path, parts: Sequence[Part]) -> pd.DataFrame:
    """Published sums of adaptive filters and PSNR of the same crop, by networks trained at the same level.

    Args:
        published: folder of published values.
        parts: as :func:`normeq.suite.results.pictures.read_parts` gives them.

    Returns:
        variant (our name), sigma (8-bit units), row, col (of the crop), sum, psnr (dB, with the output
        clipped); empty where nothing was published of this crop.
    """
    table = _rows(published)
    meta = parts[0].meta
    image = f"{dataset_name(meta['dataset'])}/{meta['image']}"
    row, column, size = (int(number) for number in meta["crop"].split(",")[:3])
    crop = f"{image} crop [{row}:{row + size};{column}:{column + size}]"
    trained = {part.meta["train_sigma"] for part in parts} - {""}
    table = table[
        table["train_sigma"].map(
            lambda text: any(same_number(text, float(t)) for t in trained if "-" not in t)
        )
    ]
    psnr = table[(table["metric"] == PSNR) & table["dataset"].str.startswith(crop)]
    found = []
    for entry in table[table["metric"] == SUM].itertuples():
        place = re.fullmatch(r"(.*) crop pixel \((\d+);(\d+)\)", entry.dataset)
        same = psnr[(psnr["variant"] == entry.variant) & (psnr["test_sigma"] == entry.test_sigma)]
        if place and place[1] == image and len(same):  # the pixels are those of that crop
            found.append((entry.variant, float(entry.test_sigma), int(place[2]), int(place[3]), entry.value,
                          same["value"].iloc[0]))  # fmt: skip
    numbers = pd.DataFrame(found, columns=["variant", "sigma", "row", "col", "sum", "psnr"])
    ours = {theirs: name for name, theirs in names_in(PAPER).items()}
    return numbers.assign(variant=numbers["variant"].map(ours))


def tuning(published: Path) -> list[str]:
    """Published PSNR (dB, output clipped) with and without tuning, a line for each image."""
    table = _rows(published)
    table = table[table["metric"] == PSNR]
    tuned = table[table["variant"].str.contains("tuning", regex=False)]
    lines = []
    for dataset, sigma in dict.fromkeys(tuned[["dataset", "test_sigma"]].itertuples(index=False, name=None)):
        same = table[
            (table["dataset"] == dataset) & (table["test_sigma"] == sigma) & (table["variant"] != "noisy")
        ]
        values = ", ".join(f"{row.variant} {row.value:.2f}" for row in same.itertuples())
        trained = same["train_sigma"].iloc[0]
        where = re.sub(r" \(single image.*\)$", "", dataset)
        lines.append(f"Published ({SOURCE}), {where}, trained at {trained}, σ = {sigma}: {values} dB.")
    return lines
