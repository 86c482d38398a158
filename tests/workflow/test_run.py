"""A whole experiment of seconds, and then: what runs again, and what does not."""

import os
import re
import shutil

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import DATA, OWN_FILE, REGISTRY

RECORDED = {
    "train",
    "get_data",
    "evaluate_noise_levels",
    "evaluate_intervals",
    "evaluate_filters",
    "evaluate_examples",
    "evaluate_gallery",
    "evaluate_protocols",
    "evaluate_interval_pictures",
    "evaluate_heatmap",
    "evaluate_tuning",
    "evaluate_certificate",
}


def test_everything_is_there(finished):
    results, figures = finished.folder / "results/speck", finished.folder / "figures/speck"
    table = pd.read_csv(results / "noise_levels.csv", dtype={"train_sigma": str})
    assert set(table["network"]) == {"tiny", "mine"} and set(table["variant"]) == {"norm", "other"}
    assert set(pd.read_csv(results / "intervals.csv")["b"]) == {1, 11}
    for figure in ("noise_levels", "intervals", "filters", "examples", "layers"):
        for suffix in ("svg", "png", "csv"):
            assert (figures / f"{figure}.{suffix}").stat().st_size > 0
    for name in (
        "tables/matched_noise.md",
        "tables/generalisation.tex",
        "tables/intervals.csv",
        "tables/variance.md",
        "tables/protocols.md",
        "tables/certificate.md",
        "metrics.json",
    ):
        assert (results / name).stat().st_size > 0
    [run] = (finished.folder / "results/runs").iterdir()
    assert {"model.safetensors", "run.json", "train.jsonl", "timing.tsv", "parts"} <= {
        path.name for path in run.iterdir()
    }
    measured = {part.stem for part in (run / "parts").iterdir()}
    timed = {part.stem for part in (run / "parts").glob("*.tsv")}  # committed with them, for the report
    assert timed == measured and len(timed) == 10
    assert (finished.folder / "logs/train" / f"{run.name}.log").stat().st_size > 0
    assert yaml.safe_load((results / "config.yaml").read_text())["experiment"] == "speck"


def test_names_of_folders_and_files_are_no_commands(finished):
    """See ``DATA`` and ``OWN_FILE``."""
    assert (finished.folder / DATA / "skimage-test").is_dir()
    assert not list(finished.folder.rglob("pwned*"))


def test_the_data_folder_holds_data_alone(finished):
    """It may be read-only, and shared with other projects."""
    added = {path.name for path in (finished.folder / DATA).iterdir()}
    added -= {"published", *(path.name for path in REGISTRY)}
    assert {name for name in added if not name.endswith(".lock")} == {"skimage-test", "skimage-train"}


def test_the_report_shows_the_run_and_needs_no_network(finished):
    page = (finished.folder / "results/speck/report.html").read_text(encoding="utf-8")
    figures = list((finished.folder / "figures/speck").glob("*.svg"))
    assert len(re.findall(r"src=.data:image/(?:svg\+xml,|webp;)", page)) == len(figures) >= 6
    assert "10, 11" in page.partition('id="gallery-data"')[2] and 'id="timings"' in page
    assert "tiny-norm-sigma25-seed0" in page and "Rows of the Jacobian" in page
    assert not re.search(r"""(?:src|href)=["']https?:""", page)


def test_nothing_runs_again(finished):
    assert finished.plan() == {}


def test_a_cosmetic_edit_runs_nothing(finished, tmp_path):
    """A comment in the config and in every rule, other white space in a command, a title in another order."""
    project = finished.copy(tmp_path / "copy")
    for file in [
        project.folder / "speck.yaml",
        *project.folder.glob("workflow/rules/*.smk"),
        project.folder / "Snakefile",
    ]:
        file.write_text(f"# a comment\n{file.read_text()}")
    train = project.folder / "workflow/rules/train.smk"
    edited = train.read_text().replace('"normeq train ', '"normeq  train ')
    assert edited != train.read_text()
    train.write_text(edited)
    assert project.plan() == {}


def test_a_clone_with_results_neither_trains_nor_measures_nor_asks_for_data(clone):
    shutil.rmtree(clone.folder / DATA / "skimage-train")
    assert not RECORDED & clone.plan().keys()
    os.utime(clone.folder / "results/speck/config.yaml")  # whichever Git writes last
    assert not RECORDED & clone.plan().keys()


@pytest.mark.parametrize(
    "change", [{"train__recipe__steps": 5}, {"train__sigmas": [[20, 30]]}, {"train__seeds": [1]}]
)
def test_a_changed_training_trains(clone, change):
    clone.configure(**change)
    plan = clone.plan()
    assert plan["train"] == 1 and plan["evaluate_noise_levels"] == 1 and plan["report"] == 1


def test_changed_data_train(clone):
    registry = clone.folder / DATA / "datasets.yaml"
    data = yaml.safe_load(registry.read_text())
    data["skimage-train"]["images"][0]["sha256"] = "0" * 64
    registry.write_text(yaml.safe_dump(data, sort_keys=False))
    assert clone.plan()["train"] == 1


def test_one_more_noise_level_measures_noise_levels_only(clone):
    clone.configure(evaluate__noise_levels__sigmas=[25, 50])
    plan = clone.plan()
    assert {name for name in plan if name in RECORDED - {"get_data"}} == {"evaluate_noise_levels"}
    assert plan["collect"] >= 1 and plan["figure_noise_levels"] == 1
    done = clone.snakemake("--until", "evaluate_noise_levels")
    assert done.returncode == 0, done.stderr
    logs = [file.read_text() for file in (clone.folder / "logs/speck/noise_levels").rglob("*.log")]
    assert len(logs) == 2
    for text in logs:  # half of the measurements are those made before at sigma 25
        count, before = re.search(r"(\d+) measurements, (\d+) of them made before", text).groups()
        assert int(count) == 2 * int(before) > 0


def test_what_is_taken_out_of_the_config_leaves_the_tables(clone):
    clone.configure(denoisers={})
    assert not RECORDED & clone.plan().keys()
    done = clone.snakemake("results/speck/noise_levels.csv")
    assert done.returncode == 0, done.stderr
    assert set(pd.read_csv(clone.folder / "results/speck/noise_levels.csv")["network"]) == {"tiny"}


def test_a_users_denoiser_is_measured_again_when_its_file_changes(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    own = project.folder / OWN_FILE
    own.write_text(own.read_text().replace("noisy, 3", "noisy, 5"))
    plan = project.plan()
    assert "train" not in plan and plan["evaluate_noise_levels"] == plan["evaluate_examples"] == 1


def test_snakemakes_own_report_has_captions(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    done = project.snakemake("--report", "snakemake.html")
    assert done.returncode == 0, done.stderr
    assert "Rows of the Jacobian" in (project.folder / "snakemake.html").read_text(encoding="utf-8")
