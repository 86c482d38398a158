"""README's numbers are those of the committed results, and its links lead somewhere."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake.cli import get_argument_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = " ".join(README.split())  # wherever its lines break
TITLES = {
    "ordinary": "ordinary",
    "scale-equivariant": "scale",
    "normalization-equivariant": "norm",
    "wrapped ordinary": "wrapped",
}
PUBLISHED = {"baseline": "ordinary", "scale-equiv": "scale", "norm-equiv": "norm", "wne": "wrapped"}


def rows():
    """The result table: variant -> cells."""
    found = re.findall(r"^\| (?:\*\*)?([a-z- ]+?)(?:\*\*)? \|(.*)\|$", README, flags=re.M)
    return {
        TITLES[title]: [cell.strip(" *") for cell in cells.split("|")]
        for title, cells in found
        if title in TITLES
    }


def mean(experiment, dataset, variant, sigma):
    """Of the blind network: draws within a seed, seeds within an image, images."""
    table = pd.read_csv(ROOT / f"results/{experiment}/noise_levels.csv", dtype={"train_sigma": str})
    part = table[(table.dataset == dataset) & (table.variant == variant) & (table.sigma == sigma)]
    part = part[part.train_sigma == "25"]
    return part.groupby(["image", "seed"]).psnr.mean().groupby("image").mean().mean()


def worst_loss(experiment, dataset, variant):
    table = pd.read_csv(ROOT / f"results/{experiment}/intervals.csv")
    means = table[(table.dataset == dataset) & (table.variant == variant)].groupby(["a", "b"]).psnr.mean()
    return means[0, 1] - means.min()


@pytest.mark.parametrize("variant", TITLES.values())
def test_result_table(variant):
    cells = rows()[variant]
    assert cells[:5] == [f"{mean('paper', 'bsd68', variant, sigma):.2f}" for sigma in (5, 15, 25, 50, 100)]
    assert float(cells[5]) == pytest.approx(worst_loss("paper", "set12", variant), abs=0.0051)
    assert cells[6] == f"{mean('paper', 'set12', variant, 25):.2f}"
    table = pd.read_csv(ROOT / "results/paper/tables/matched_noise.csv", dtype=str)
    table = table[(table["origin"] == "published") & table["source"].str.endswith("Table 7")]
    table = table[table["variant"] == {v: k for k, v in PUBLISHED.items()}[variant]].set_index("dataset")
    values = [f"{float(table.loc[dataset, 'psnr']):.2f}" for dataset in ("bsd68", "set12")]
    assert cells[7] == " / ".join(values)


@pytest.mark.parametrize(("title", "variant"), TITLES.items())
def test_the_small_network(title, variant):
    numbers = ", ".join(f"{mean('compact', 'bsd68', variant, sigma):.2f}" for sigma in (5, 25, 50))
    assert f"{title} {numbers}" in TEXT


def test_verdicts():
    for experiment in ("paper", "compact"):
        counts = json.loads((ROOT / f"results/{experiment}/verdicts.json").read_text())["claims"]
        assert f"{counts['reproduced']} of {sum(counts.values())} claims" in TEXT, experiment


def test_claims_stated_after_results_are_owned_up_to():
    for experiment in ("paper", "compact"):
        config = yaml.safe_load((ROOT / f"config/{experiment}.yaml").read_text(encoding="utf-8"))
        late = {claim["id"] for claim in config["claims"] if claim.get("stated") == "after"}
        records = json.loads((ROOT / f"results/{experiment}/claims.json").read_text(encoding="utf-8"))
        count = sum(record["id"] in late for record in records)
        assert bool(count) == (f"{count} of the {len(records)} (" in TEXT), experiment


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


@pytest.fixture(scope="module")
def rules():
    command = [sys.executable, "-m", "snakemake", "--list-rules", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set((done.stdout + done.stderr).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_snakemake_reads_the_commands_as_they_are_meant(command, rules):
    """``--configfile A target`` would take the target for a second config."""
    found = get_argument_parser().parse_args(shlex.split(command)[1:])
    assert set(found.targets) <= rules
    assert not found.configfile or [Path(file).suffix for file in found.configfile] == [".yaml"]
