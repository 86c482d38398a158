"""README's numbers are those of the committed results, and its links lead somewhere."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from snakemake.cli import get_argument_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
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


@pytest.mark.parametrize(
    ("title", "variant"), [(t, v) for t, v in TITLES.items() if v in ("ordinary", "norm")]
)
def test_the_papers_network(title, variant):
    """At its own noise level and at 50; the numbers of the run's own measurements."""
    (run,) = ROOT.glob(f"results/runs/fdncnn20x64-{variant}-sigma25-seed0-*")
    table = pd.concat(pd.read_csv(part) for part in run.glob("parts/noise_levels-*.csv"))
    means = table.groupby(["dataset", "sigma", "image"])["psnr"].mean().groupby(["dataset", "sigma"]).mean()
    found = re.search(rf"{title} ([0-9.]+) / ([0-9.]+) dB", README)
    assert found.groups() == (f"{means['bsd68', 25]:.2f}", f"{means['set12', 25]:.2f}")
    assert f"{means['bsd68', 50]:.2f} / {means['set12', 50]:.2f}" in README


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\(([^)#]+)", README)
    assert targets
    assert not [target for target in targets if "://" not in target and not (ROOT / target).exists()]


COMMANDS = [
    match.replace("CONFIG", "config/compact.yaml")
    for document in ("README.md", "config/README.md")
    for match in re.findall(
        r"^(?:\.venv/bin/|    |.*`)(snakemake [^`#…\n]+)",
        (ROOT / document).read_text(encoding="utf-8"),
        flags=re.M,
    )
]


@pytest.mark.parametrize("command", COMMANDS)
def test_snakemake_reads_the_commands_as_they_are_meant(command):
    """``--configfile A target`` would take the target for a second config."""
    rules = set(re.findall(r"^ *rule (\w+):", "".join(p.read_text() for p in RULES), flags=re.M))
    found = get_argument_parser().parse_args(shlex.split(command)[1:])
    assert set(found.targets) <= rules
    assert not found.configfile or [Path(file).suffix for file in found.configfile] == [".yaml"]
