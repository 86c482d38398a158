"""What is there was made from what the config asks for now, whichever way it is asked for."""

import shutil

import pytest
import yaml

from normeq.suite.experiment.experiment import fingerprint
from tests.workflow.conftest import CONFIG, DATA, OWN_FILE

CLAIM = {
    "id": "a", "claim": "b", "kind": "interval_loss", "variant": "norm", "train_sigma": 25,
    "datasets": ["skimage-test"], "bound": "within", "threshold": 0.01,
}  # fmt: skip
LEVELS = {"evaluate__noise_levels__sigmas": [25, 75]}
PAIRS = {"evaluate__intervals__intervals": [[0, 1], [0, 2]]}
FEWER = {"denoisers": {}}
CARD = "results/runs/tiny-norm-sigma25-seed0-b2a7da24/speck.md"
EDITS = [
    (LEVELS, "table_generalisation", {"evaluate_noise_levels", "collect", "table_generalisation"}),
    (LEVELS, "results/speck/tables/generalisation.md", {"evaluate_noise_levels", "table_generalisation"}),
    (LEVELS, "figures/speck/input_psnr.png", {"evaluate_noise_levels", "collect", "figure_input_psnr"}),
    (LEVELS, "results/speck/noise_levels.csv", {"evaluate_noise_levels", "collect"}),
    (LEVELS, "metrics", {"evaluate_noise_levels", "metrics"}),
    (LEVELS, "results/speck/metrics.json", {"evaluate_noise_levels", "metrics"}),
    (LEVELS, "report", {"evaluate_noise_levels", "table_variance", "figure_noise_levels", "report"}),
    (PAIRS, "figure_intervals", {"evaluate_intervals", "collect", "figure_intervals"}),
    ({"evaluate__protocol": "kair"}, "table_intervals", {"evaluate_intervals", "table_intervals"}),
    ({"evaluate__examples__crop": [0, 0, 32]}, "figure_examples", {"evaluate_examples", "figure_examples"}),
    (FEWER, "results/speck/certificate.csv", {"collect"}),
    (FEWER, "figures/speck/heatmap.csv", {"collect", "figure_heatmap"}),
    (FEWER, "figure_interval_pictures", {"figure_interval_pictures"}),
    ({"variants": ["scale"]}, "figure_training", {"train", "figure_training"}),
    ({"train__seeds": [0, 1]}, "figures/speck/training.svg", {"train", "figure_training"}),
    ({"title": "another"}, "results/speck/report.html", {"record_config", "report"}),
    ({"claims": [CLAIM]}, "claims", {"record_config", "claims"}),
    (
        {"claims": [CLAIM]},
        CARD,
        {"record_config", "run_card"},
    ),
    ({}, "table_filters", set()),
    ({"evaluate__noise_levels__sigmas": [25.0, 50], "device": "auto"}, "report", set()),
]


@pytest.mark.parametrize(("change", "target", "jobs"), EDITS)
def test_every_way_of_asking_plans_what_the_config_asks_for(unrecorded, change, target, jobs):
    """No time and no record of Snakemake says that anything is old here."""
    unrecorded.configure(**change)
    plan = unrecorded.plan(target)
    assert jobs <= plan.keys() and bool(jobs) == bool(plan)
    measured = {job for job in plan if job.startswith(("evaluate_", "train"))}
    assert "train" in jobs or measured == {job for job in jobs if job.startswith("evaluate_")}


def test_what_the_config_no_longer_asks_for_is_refused_by_name(unrecorded):
    heatmap = CONFIG["evaluate"].pop("heatmap")
    try:
        unrecorded.configure()
    finally:
        CONFIG["evaluate"]["heatmap"] = heatmap
    [run] = (unrecorded.folder / "results/runs").iterdir()
    [timed] = run.glob("parts/heatmap-*.tsv")
    part = timed.with_suffix(".csv")
    for target, words in {
        "figure_heatmap": "normeq: error: figure_heatmap cannot be made: the config has no evaluate",
        "results/speck/heatmap.csv": "normeq: error: heatmap cannot be made: the config has no evaluate",
        "results/runs/other/speck.md": "normeq: error: results/runs/other is no run of this config",
        str(part.relative_to(unrecorded.folder)): "No rule to produce",
        "results/compact/heatmap.csv": "No rule to produce",
    }.items():
        done = unrecorded.snakemake("-n", target)
        assert done.returncode != 0 and words in done.stdout + done.stderr
    assert "figure_heatmap" not in unrecorded.plan()


def test_cosmetic_edits_plan_nothing(finished, unrecorded):
    """A comment, another order of keys, numbers and defaults spelled otherwise."""
    config = yaml.safe_load((finished.folder / "speck.yaml").read_text())
    config["evaluate"]["noise_levels"]["sigmas"] = [25.0, 50]
    config["evaluate"]["heatmap"] |= {"scales": [1.0, 10.0], "shifts": [-1.0, 0.0], "size": 24.0}
    config["train"]["recipe"] |= {"steps": 4.0}
    config["train"]["seeds"] = [0]
    text = yaml.safe_dump({key: config[key] for key in reversed(config)}, sort_keys=False)
    (unrecorded.folder / "speck.yaml").write_text(f"# a comment\n{text}")
    assert unrecorded.plan() == {}


def test_two_configs_in_turn_and_a_commit_between(unrecorded, tmp_path):
    """One table is made for another config, and all is committed. Then both configs are asked for."""
    unrecorded.configure(**FEWER)
    done = unrecorded.snakemake("table_generalisation")
    assert done.returncode == 0, done.stderr
    assert unrecorded.plan("table_generalisation") == {}
    clone = unrecorded.clone(tmp_path / "clone")
    assert clone.plan("figure_noise_levels")["figure_noise_levels"] == 1
    for target in ("results/speck/tables/generalisation.csv", "table_matched_noise"):
        clone.configure()
        assert clone.plan(target)["collect"] == 1


def test_an_interrupted_product_is_made_again(unrecorded):
    """Snakemake removes what a job makes before it runs: so nothing stands without its stamp for long."""
    (unrecorded.folder / "results/speck/.made/table_tuning").unlink()
    assert unrecorded.plan() == {"table_tuning": 1, "report": 1}


def test_published_values_that_changed_are_shown(unrecorded):
    file = unrecorded.folder / DATA / "published/published_psnr.csv"
    text = file.read_text()
    file.write_text(text + text.splitlines()[-1] + "\n")
    assert unrecorded.plan("results/speck/tables/matched_noise.tex") == {"table_matched_noise": 1}


def test_a_users_file_that_changed_is_measured_for_one_table(unrecorded):
    own = unrecorded.folder / OWN_FILE
    own.write_text(own.read_text().replace("noisy, 3", "noisy, 5"))
    plan = unrecorded.plan("table_generalisation")
    assert plan["evaluate_noise_levels"] == plan["collect"] == plan["table_generalisation"] == 1


def test_data_that_went_away_are_placed_again(finished, tmp_path):
    """And a dry run takes no mark away."""
    project = finished.copy(tmp_path / "copy")
    project.configure(**LEVELS)
    marks = project.folder / ".snakemake/placed"
    [mark] = marks.glob("skimage-test-*")
    own = mark.with_name(mark.name[:-8] + fingerprint(str((project.folder / DATA).resolve())))
    assert project.plan("table_generalisation")["get_data"] == 1  # of another folder is no mark of this one
    mark.rename(own)
    assert "get_data" not in project.plan("table_generalisation")
    shutil.rmtree(project.folder / DATA / "skimage-test")
    before = sorted(marks.iterdir())
    assert project.plan("table_generalisation")["get_data"] == 1
    assert sorted(marks.iterdir()) == before


def test_only_jobs_that_compute_ask_for_a_gpu(fresh):
    """As on a cluster, whose profile has ``default-resources: {gpu: 1}`` and whose login node has no GPU."""
    profile = yaml.safe_load((fresh.folder / "profiles/slurm/profile.yaml").read_text())
    assert profile["default-resources"]["gpu"] == 1
    done = fresh.snakemake("-n", "--default-resources", "gpu=1")
    rules = {}
    for block in (done.stdout + done.stderr).split("\nrule ")[1:]:
        rules[block.partition(":")[0]] = "gpu=1" in block.partition("resources:")[2].partition("\n")[0]
    assert len(rules) > 30
    computing = {rule for rule in rules if rule == "train" or rule.startswith("evaluate_")}
    assert {rule for rule, gpu in rules.items() if gpu} == computing
    assert len(computing) == 1 + len(CONFIG["evaluate"])


def test_what_nobody_can_be_shown_in_is_left_out_with_a_word(fresh, tmp_path):
    """A user's own function has no derivatives, so no adaptive filters."""
    project = fresh.copy(tmp_path / "copy")
    config = yaml.safe_load((project.folder / "speck.yaml").read_text())
    for key in ("networks", "variants", "train"):
        del config[key]
    (project.folder / "speck.yaml").write_text(yaml.safe_dump(config))
    plan = project.plan()
    assert not [job for job in plan if "filters" in job or "training" in job] and plan["report"] == 1
    done = project.snakemake("-n")
    assert "normeq: evaluate.filters can measure none of the config's denoisers" in done.stderr
    refused = project.snakemake("-n", "table_filters")
    assert refused.returncode != 0 and "normeq: error: table_filters cannot be made: " in refused.stderr
