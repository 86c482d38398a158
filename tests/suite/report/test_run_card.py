"""The summary of a training run says what its record and its measurements say."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from normeq.errors import NormeqError
from normeq.suite.report.run_card import write_run_card

ROOT = Path(__file__).parents[3]
LEVEL = {
    "id": "level-norm", "kind": "level", "variant": "norm", "sigma": 25, "bound": "within", "threshold": 10,
    "datasets": ["set12", "bsd68"], "claim": "as published",
    "published": {"paper": "Saied2026", "method": "NE-arch", "source": "Table 7"},
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """A copy of a committed run, its table, and a config with one claim."""
    (source,) = ROOT.glob("results/runs/fdncnn10x32-norm-sigma25-seed0-*")
    folder = tmp_path / source.name
    folder.mkdir()
    for name in ("run.json", "train.jsonl"):
        shutil.copy(source / name, folder)
    table = pd.read_csv(ROOT / "results/compact/noise_levels.csv", dtype=str, keep_default_na=False)
    table = table[table["weights"] == json.loads((source / "run.json").read_text())["weights_sha256"][:8]]
    # Numbers that can be told apart: the accuracy is that at 25 and of no other level.
    table["psnr"] = table["sigma"].map(lambda sigma: "30.5" if float(sigma) == 25 else "7.77")
    table.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"claims": [LEVEL]}))
    return folder


def card(run, published=ROOT / "data/published"):
    out = run / "compact.md"
    write_run_card(out, run, run.parent / "table.csv", run.parent / "config.yaml", published)
    return out.read_text()


def test_the_page_has_training_accuracy_and_verdict(run):
    text, record = card(run), json.loads((run / "run.json").read_text())
    for words in (
        run.name, "normalization-equivariant", "trained at σ = 25", f"{record['steps']:,} steps",
        record["data"]["pin"], record["weights_sha256"][:12], record["revision"][:12],
        "| Set12 | 25 | 30.50", "| BSD68 | 25 | 30.50", "reproduced (within 10 dB)",
        "Set12 12 images, Set12 without 04 11 images, BSD68 68 images", "Protocol paper",
    ):  # fmt: skip
        assert words in text, words
    assert "7.77" not in text
    # one line for each image
    assert sum(line.startswith("| Set12 | ") for line in text.splitlines()) == 1 + 12
    assert sum(line.startswith("| BSD68 | ") for line in text.splitlines()) == 1 + 68
    published = pd.read_csv(ROOT / "data/published/published_psnr.csv", dtype=str)
    named = published[(published["paper"] == "Saied2026") & (published["method"] == "NE-arch")]
    (theirs,) = set(
        named.loc[
            (named["dataset"].str.lower() == "bsd68")
            & (named["test_sigma"].astype(float) == 25)
            & (named["train_sigma"] == "25")
            & named["source"].str.contains("Table 7")
            & (named["metric"].str.upper() == "PSNR"),
            "value",
        ].astype(float)
    )
    (line,) = [line for line in text.splitlines() if line.startswith("| BSD68 | 25 | 30.50 ")]
    assert f"| {theirs:.2f} | {30.5 - theirs:+.2f} |" in line


def test_without_published_values_there_is_no_verdict(run):
    (line,) = [line for line in card(run, None).splitlines() if line.startswith("| Set12 | 25 | 30.50")]
    assert line.endswith("| – | – | – |")


def test_a_run_not_measured_at_its_own_level_has_a_page(run):
    table = pd.read_csv(run.parent / "table.csv", dtype=str, keep_default_na=False)
    table[table["sigma"].astype(float) != 25].to_csv(run.parent / "table.csv", index=False)
    text = card(run)
    assert "It was not measured there." in text and "3,600 steps" in text


def test_other_denoisers_of_the_table_leave_the_page_as_it_is(run):
    before = card(run)
    table = pd.read_csv(run.parent / "table.csv", dtype=str, keep_default_na=False)
    others = [
        table.assign(weights="00000000", psnr="12.34", **other)
        for other in ({"variant": "ordinary"}, {"seed": "1"}, {"network": "another"})
    ]
    pd.concat([*others, table]).to_csv(run.parent / "table.csv", index=False)
    assert card(run) == before


@pytest.mark.parametrize("change", ["other", "none"])
def test_a_table_of_something_else_is_refused(run, change):
    table = pd.read_csv(run.parent / "table.csv", dtype=str, keep_default_na=False)
    if change == "none":
        table = table.drop(columns="weights")
    else:
        table = table.assign(weights="00000000", variant="ordinary")
    table.to_csv(run.parent / "table.csv", index=False)
    with pytest.raises(NormeqError, match="holds no measurement of the weights of"):
        card(run)
    assert not (run / "compact.md").exists()
