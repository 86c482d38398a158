"""README's numbers are those of the committed results, and its links lead somewhere."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TITLES = {
    "ordinary": "ordinary",
    "scale-equivariant": "scale",
    "normalization-equivariant": "norm",
    "wrapped ordinary": "wrapped",
}


def rows():
    """The result table: variant -> cells."""
    found = re.findall(r"^\| (?:\*\*)?([a-z- ]+?)(?:\*\*)? \|(.*)\|$", README, flags=re.M)
    return {
        TITLES[title]: [cell.strip(" *") for cell in cells.split("|")]
        for title, cells in found
        if title in TITLES
    }


def mean(dataset, variant, sigma):
    table = pd.read_csv(ROOT / "results/compact/noise_levels.csv")
    part = table[(table.dataset == dataset) & (table.variant == variant) & (table.sigma == sigma)]
    return part.groupby("image").psnr.mean().mean()


def worst_loss(dataset, variant):
    table = pd.read_csv(ROOT / "results/compact/intervals.csv")
    means = table[(table.dataset == dataset) & (table.variant == variant)].groupby(["a", "b"]).psnr.mean()
    return means[0, 1] - means.min()


@pytest.mark.parametrize("variant", TITLES.values())
def test_result_table(variant):
    cells = rows()[variant]
    expected = [f"{mean('bsd68', variant, sigma):.2f}" for sigma in (5, 15, 25, 50, 100)]
    assert cells[:5] == expected
    assert float(cells[5]) == pytest.approx(worst_loss("bsd68", variant), abs=0.0051)


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\(([^)#]+)", README)
    assert targets
    assert not [target for target in targets if "://" not in target and not (ROOT / target).exists()]
