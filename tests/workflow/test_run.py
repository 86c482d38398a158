"""A whole experiment of seconds, and then: what runs again, and what does not."""

import base64
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from skimage.io import imread, imsave

from tests.workflow.conftest import CONFIG, DATA, OWN_FILE, REGISTRY

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
    measured = {part.stem for part in (run / "parts").glob("[!.]*")}
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
    edited = train.read_text().replace(" normeq train ", " normeq  train ")
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
    clone.configure(evaluate__noise_levels__sigmas=[25, 50, 75])
    plan = clone.plan()
    assert {name for name in plan if name in RECORDED - {"get_data"}} == {"evaluate_noise_levels"}
    assert plan["collect"] == 1 and plan["figure_noise_levels"] == 1


def taken_over(project, *targets):
    """The share of the measurements that was made before, of every denoiser measured."""
    shutil.rmtree(project.folder / "logs", ignore_errors=True)
    done = project.snakemake(*targets)
    assert done.returncode == 0, done.stderr + done.stdout
    logs = [file.read_text() for file in (project.folder / "logs/speck/noise_levels").rglob("*.log")]
    counts = [re.search(r"(\d+) measurements, (\d+) of them made before", text).groups() for text in logs]
    return [int(before) / int(count) for count, before in counts]


def test_one_level_more_and_one_less_again(clone, tmp_path):
    """Without the tables of one denoiser: what the collected one holds is not measured."""
    table = clone.folder / "results/speck/noise_levels.csv"
    first = table.read_bytes()
    clone.configure(evaluate__noise_levels__sigmas=[25, 50, 75])
    assert taken_over(clone, str(table.relative_to(clone.folder))) == [2 / 3, 2 / 3]
    again = clone.clone(tmp_path / "again")
    assert not RECORDED & again.plan(str(table.relative_to(clone.folder))).keys()
    again.configure()
    assert taken_over(again, str(table.relative_to(clone.folder))) == [1, 1]
    assert (again.folder / "results/speck/noise_levels.csv").read_bytes() == first


def test_a_job_killed_after_its_last_file_keeps_nothing_from_being_made(clone):
    """Snakemake's mark of a job that has not ended lies beside files that are whole."""
    [run] = clone.folder.glob("results/runs/*")
    marks = clone.folder / ".snakemake/incomplete"
    marks.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "run.json"):
        (marks / base64.b64encode(f"results/runs/{run.name}/{name}".encode()).decode()).touch()
    (clone.folder / "results/speck/noise_levels.csv").unlink()
    plan = clone.plan("results/speck/noise_levels.csv")
    assert "collect" in plan and "train" not in plan


def test_another_experiment_takes_over_what_this_one_measured(clone):
    clone.configure(experiment="other", evaluate={"noise_levels": CONFIG["evaluate"]["noise_levels"]})
    done = clone.snakemake("results/other/noise_levels.csv")
    assert done.returncode == 0, done.stderr + done.stdout
    logs = [file.read_text() for file in (clone.folder / "logs/other/noise_levels").rglob("*.log")]
    assert len(logs) == 2 and all("2 measurements, 2 of them made before" in text for text in logs)
    tables = [clone.folder / "results" / name / "noise_levels.csv" for name in ("speck", "other")]
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_a_part_is_made_where_it_is_asked_for_by_name(clone):
    table = clone.folder / "results/speck/noise_levels.csv"
    before = table.read_bytes()
    [timed] = clone.folder.glob("results/runs/*/parts/noise_levels-*.tsv")
    part = timed.with_suffix(".csv")
    assert taken_over(clone, str(part.relative_to(clone.folder))) == [1]
    assert set(part.read_text().splitlines()) <= set(before.decode().splitlines())
    assert clone.plan("results/speck/noise_levels.csv") == {"collect": 1}  # the part is newer
    assert taken_over(clone, "results/speck/noise_levels.csv") == []
    assert table.read_bytes() == before


@pytest.mark.parametrize("change", ["number", "row", "line ends"])
def test_an_edited_table_is_measured_again(clone, change):
    table = clone.folder / "results/speck/noise_levels.csv"
    before = table.read_bytes()
    edits = {
        "number": before.replace(b".", b".1", 3),
        "row": b"".join(before.splitlines(keepends=True)[:-1]),
        "line ends": before.replace(b"\n", b"\r\n"),
    }
    table.write_bytes(edits[change])
    done = clone.snakemake("-n", "table_generalisation")
    assert "normeq: results/speck/noise_levels.csv was edited or damaged" in done.stderr
    for job in ("evaluate_noise_levels +2", "collect +1", "table_generalisation +1"):
        assert re.search(f"^{job}$", done.stdout + done.stderr, flags=re.M)
    if change == "number":
        assert taken_over(clone, "results/speck/noise_levels.csv") == [0, 0]
        assert table.read_bytes() == before


def test_without_stamps_rows_are_still_taken_over(clone):
    shutil.rmtree(clone.folder / "results/speck/.made")
    assert clone.plan("results/speck/noise_levels.csv")["evaluate_noise_levels"] == 2
    assert taken_over(clone, "results/speck/noise_levels.csv") == [1, 1]


def test_a_failed_collection_leaves_the_table(clone):
    """What it is made from is nowhere else."""
    files = [clone.folder / "results/speck" / name for name in ("noise_levels.csv", ".made/noise_levels")]
    before = [file.read_bytes() for file in files]
    [timed] = clone.folder.glob("results/runs/*/parts/noise_levels-*.tsv")
    timed.with_suffix(".csv").write_text("no table\n")
    done = clone.snakemake("results/speck/noise_levels.csv")
    assert done.returncode != 0 and [file.read_bytes() for file in files] == before


def test_what_is_taken_out_of_the_config_leaves_the_tables(clone):
    clone.configure(denoisers={})
    shutil.rmtree(clone.folder / DATA / "skimage-test")
    assert not RECORDED & clone.plan().keys()
    done = clone.snakemake("results/speck/noise_levels.csv")
    assert done.returncode == 0, done.stderr
    assert set(pd.read_csv(clone.folder / "results/speck/noise_levels.csv")["network"]) == {"tiny"}
    clone.configure()  # and one is put in again: it alone is measured
    assert clone.plan("results/speck/noise_levels.csv")["evaluate_noise_levels"] == 1


def test_a_users_denoiser_is_measured_again_when_its_file_changes(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    own = project.folder / OWN_FILE
    own.write_text(own.read_text().replace("noisy, 3", "noisy, 5"))
    plan = project.plan()
    assert "train" not in plan and plan["evaluate_noise_levels"] == plan["evaluate_examples"] == 1


@pytest.fixture
def small(fresh, tmp_path):
    """A project of one denoiser of its own on a data set of its own."""
    project = fresh.copy(tmp_path / "small")
    own = {"title": "x", "kind": "manual", "files": None, "origin": "x", "terms": "x", "redistribution": "x"}
    with open(project.folder / "data/datasets.yaml", "a") as registry:
        registry.write(yaml.safe_dump({"mine": own | {"place": "x"}}))
    (project.folder / "data/mine").mkdir()
    picture(project, "a", 0)
    picture(project, "b", 1)
    (project.folder / "net.py").write_text(
        "from pathlib import Path\nimport numpy as np\nimport torch\nfrom helper import factor\n"
        "here = Path(__file__).parent\n"
        "weight = float(np.load(here / 'weights.npy'))\n"
        "def f(n, s): return n * weight * factor\n"
        "def g(n, s): return n * 0\n"
        "def late(n, s): return n * float((here / ('late' + '.txt')).read_text())\n"
        "def unknown(n, s):\n    import subprocess\n    subprocess.run(['true'])\n    return n\n"
        "class Net(torch.nn.Module):\n    def forward(self, y, sigma): return y * (1 - sigma)\n"
        "net = Net()\nalias = f\n"
    )
    (project.folder / "helper.py").write_text("factor = 0.9\n")
    (project.folder / "late.txt").write_text("0.9")
    np.save(project.folder / "weights.npy", 0.9)
    alone(project, x="net.py:f")
    return project


def picture(project, name, seed):
    pixels = np.random.default_rng(seed).integers(40, 220, (32, 32), dtype=np.uint8)
    imsave(project.folder / f"data/mine/{name}.png", pixels, check_contrast=False)


def alone(project, sigmas=(25,), **denoisers):
    """A config of a user's denoisers alone."""
    measured = {"noise_levels": {"datasets": ["mine"], "sigmas": list(sigmas)}}
    if "net" in denoisers:
        filters = {"image": "mine/a", "crop": [0, 0, 24], "sigmas": [25], "pixels": [[8, 8]], "radius": 3}
        measured["filters"] = filters
    config = {"experiment": "speck", "denoisers": denoisers, "evaluate": measured, "device": "cpu"}
    (project.folder / "speck.yaml").write_text(yaml.safe_dump(config))


def measured(project):
    """PSNR as the workflow has it after one more run."""
    (project.folder / "results/speck/noise_levels.csv").unlink(missing_ok=True)
    done = project.snakemake("results/speck/noise_levels.csv")
    assert done.returncode == 0, done.stderr + done.stdout
    return pd.read_csv(project.folder / "results/speck/noise_levels.csv")


def test_another_function_other_weights_and_another_helper_are_measured(small):
    measured(small)
    assert "evaluate_noise_levels" not in small.plan()
    (small.folder / "helper.py").write_text("factor = 0.7\n")
    assert small.plan()["evaluate_noise_levels"] == 1
    (small.folder / "helper.py").write_text("factor = 0.9\n")
    np.save(small.folder / "weights.npy", 0.8)
    assert small.plan()["evaluate_noise_levels"] == 1
    alone(small, [25, 50], x="net.py:g")
    table = measured(small)  # nothing of f in it
    zeros = {name: -10 * np.log10(np.mean((imread(small.folder / f"data/mine/{name}.png") / 255) ** 2))
             for name in "ab"}  # fmt: skip
    assert table["psnr"].tolist() == pytest.approx([zeros[name] for name in table["image"]], abs=1e-4)


def test_what_only_the_job_can_see_is_planned_too(small):
    alone(small, x="net.py:late", y="net.py:unknown")
    first = measured(small).groupby("network")["psnr"].agg(tuple)
    assert small.plan()["evaluate_noise_levels"] == 1  # what cannot be known is measured again each time
    (small.folder / "late.txt").write_text("0.8")
    assert small.plan()["evaluate_noise_levels"] == 2
    second = measured(small).groupby("network")["psnr"].agg(tuple)
    assert not set(first["x"]) & set(second["x"]) and first["y"] == second["y"]
    assert small.plan()["evaluate_noise_levels"] == 1


def test_a_changed_or_added_image_of_ones_own_set_is_measured(small):
    first = measured(small)
    picture(small, "a", 2)
    assert small.plan()["evaluate_noise_levels"] == 1
    picture(small, "c", 3)
    second = measured(small)
    assert second["image"].tolist() == ["a", "b", "c"]
    assert (first["psnr"] != second["psnr"][:2]).tolist() == [True, False]


def test_a_users_network_has_filters(small):
    alone(
        small, net="net.py:net", f="net.py:f", alias="net.py:alias"
    )  # alias: it may be a network, and is none
    assert small.plan()["evaluate_filters"] == 2
    done = small.snakemake("results/speck/tables/filters.md", "figures/speck/filters.svg")
    assert done.returncode == 0, done.stderr + done.stdout
    table = pd.read_csv(small.folder / "results/speck/tables/filters.csv")
    assert table["network"].tolist() == ["net"]
    assert table["sum"].tolist() == pytest.approx([1 - 25 / 255], abs=1e-5)


def test_snakemakes_own_report_has_captions(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    done = project.snakemake("--report", "snakemake.html")
    assert done.returncode == 0, done.stderr
    assert "Rows of the Jacobian" in (project.folder / "snakemake.html").read_text(encoding="utf-8")
