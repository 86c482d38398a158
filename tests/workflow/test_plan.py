"""What would run: both entry points, the checks of the config, lint. Nothing is computed here."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.workflow.conftest import ROOT


@pytest.mark.parametrize("entry", ["Snakefile", "workflow/Snakefile"])
def test_both_entry_points_run_everything(fresh, entry):
    plan = fresh.plan("-s", entry, config=None)
    embedded = yaml.safe_load((ROOT / "config/default.yaml").read_text())
    assert plan["train"] == len(embedded["variants"])
    measured = plan["train"] + len(embedded["trained"])
    assert plan["evaluate_noise_levels"] == plan["evaluate_intervals"] == measured
    for rule in ("get_data", "collect", "table_matched_noise", "figure_noise_levels", "metrics", "report"):
        assert plan[rule] >= 1


def test_it_runs_from_another_folder(fresh, tmp_path):
    project = type(fresh)(tmp_path)
    assert project.plan("-s", str(fresh.folder / "Snakefile"), config=None)["train"] > 0


@pytest.mark.parametrize(
    ("config", "runs"), [("compact.yaml", 4 * 3 + 4), ("paper.yaml", 5), ("poster.yaml", 8)]
)
def test_our_other_configs_can_be_planned(fresh, config, runs):
    plan = fresh.plan(config=f"config/{config}")
    assert plan["train"] == runs and plan["get_data"] == (3 if config == "poster.yaml" else 4)


def test_a_dry_run_writes_nothing(fresh):
    before = sorted(path for path in fresh.folder.rglob("*") if ".snakemake" not in path.parts)
    fresh.plan()
    assert sorted(path for path in fresh.folder.rglob("*") if ".snakemake" not in path.parts) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "variants=[ordinray]",
            "config: variants[0]: 'ordinray' is not one of ordinary, scale, norm, wrapped",
        ),
        ("recipes=1", "config: unknown key 'recipes'"),
    ],
)
def test_a_bad_config_is_one_line(fresh, change, words):
    done = fresh.snakemake("-n", "--config", change)
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("Using ", "Config file "))]
    assert done.returncode != 0
    assert len(lines) == 1 and lines[0].startswith("normeq: error: ") and words in lines[0]


def test_a_key_given_twice_is_refused(fresh, tmp_path):
    """Snakemake itself would keep the last."""
    twice = tmp_path / "twice.yaml"
    twice.write_text((fresh.folder / "speck.yaml").read_text() + "\ntitle: one\ntitle: two\n")
    done = fresh.snakemake("-n", config=str(twice))
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("Using ", "Config file "))]
    assert done.returncode != 0
    assert len(lines) == 1 and "the key 'title' is given twice" in lines[0]


def test_so_is_a_claim_that_could_never_be_tested(fresh, tmp_path):
    config = yaml.safe_load((fresh.folder / "speck.yaml").read_text())
    claim = {"id": "a", "claim": "b", "kind": "defect", "variant": "scale", "change": "scale"}
    config["claims"] = [claim | {"bound": "at most", "threshold": 0.1}]
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(config))
    done = fresh.snakemake("-n", config=str(tmp_path / "claims.yaml"))
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("Using ", "Config file "))]
    assert done.returncode != 0
    assert lines == [
        "normeq: error: config: claims[0].variant: none of its networks is scale (there are norm)"
    ]


@pytest.mark.parametrize(
    ("kinds", "options"),
    [
        ({"gain"}, set()),
        ({"defect", "filters"}, {"--certificate", "--filters"}),
        (
            {"defect", "filters", "gain", "interval_loss", "tuning_gain"},
            {"--certificate", "--filters", "--tuning"},
        ),
    ],
)
def test_claims_are_handed_what_they_are_about(fresh, tmp_path, kinds, options):
    """Of the tables that the config measures, those that its claims read."""
    config = yaml.safe_load((ROOT / "config/default.yaml").read_text())
    config["claims"] = [claim for claim in config["claims"] if claim["kind"] in kinds]
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(config))
    done = fresh.snakemake("-n", "claims", "--printshellcmds", config=str(tmp_path / "claims.yaml"))
    [command] = re.findall(
        r"^Shell command: normeq claims (.+?) --out ", done.stdout + done.stderr, flags=re.M
    )
    assert set(re.findall(r"--\w+", command)) - {"--config", "--published"} == options
    tables = {"--certificate": "certificate.csv", "--tuning": "tuning.csv", "--filters": "tables/filters.csv"}
    assert all(f"{option} results/embedded/{tables[option]}" in command for option in options)


def test_lint_is_clean():
    for entry in ("Snakefile", "workflow/Snakefile"):
        lint = [sys.executable, "-m", "snakemake", "--lint", "-s", entry]
        done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_several_gpus_are_taken_in_turn(fresh, monkeypatch):
    import os

    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "0,1"}
    command = [sys.executable, "-m", "snakemake", "-n", "--cores", "2", "--configfile", "config/compact.yaml"]
    done = subprocess.run(command, cwd=fresh.folder, env=environment, capture_output=True, text=True)
    text = done.stdout + done.stderr
    first, second = (text.count(f"gpu=1, device=cuda:{number}") for number in (0, 1))
    assert second > 0 and abs(first - second) <= 2  # of trainings and of measurements
