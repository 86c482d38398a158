"""From config to file names: names change with what decides the content, and with nothing else."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.experiment.plan import check_networks, read_experiment
from normeq.suite.measuring.options import settings_from
from normeq.suite.measuring.registry import all_measurements

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
DEFAULT = yaml.safe_load((ROOT / "config/default.yaml").read_text())
# Without claims, which ask for their own networks and noise levels (tests/test_claims_testable.py).
CONFIG = DEFAULT | {"trained": [], "shown": "all", "claims": []}
RECIPE = CONFIG["train"]["recipe"]


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def read(**changes):
    config = copy.deepcopy(CONFIG)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = config
        for key in parents:
            place = place[key]
        place[last] = value
    return read_experiment(resolve_config(config, SCHEMA))


def test_one_run_per_network_variant_level_and_seed():
    experiment = read(train__sigmas=[10, 25, [0, 55]], train__seeds=[0, 1])
    assert len(experiment.runs) == 4 * 3 * 2
    assert len({spec.sigma for spec in experiment.runs.values()}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "another"},
        {"device": "cpu"},
        {"gpu": 1},
        {"evaluate__noise_levels__sigmas": [25, 30]},
        {"data": {"remote": "elsewhere"}},
    ],
)
def test_what_does_not_train_keeps_the_runs(changes):
    assert read(**changes).runs.keys() == read().runs.keys()


@pytest.mark.parametrize(
    "changes",
    [
        {"train__recipe": CONFIG["train"]["recipe"] | {"steps": 601}},
        {"train__recipe": CONFIG["train"]["recipe"] | {"lr": 0.0031}},
        {"train__seeds": [7]},
        {"train__sigmas": [50]},
        {"networks": [CONFIG["networks"][0] | {"depth": 6}]},
    ],
)
def test_what_decides_the_weights_makes_other_runs(changes):
    assert not read(**changes).runs.keys() & read().runs.keys()


def test_other_data_make_other_runs_and_measurements(monkeypatch):
    before = read()
    monkeypatch.setattr("normeq.suite.data.registry.pin", lambda name, data_dir=None: f"changed {name}")
    after = read()
    assert not before.runs.keys() & after.runs.keys()
    assert before.part("noise_levels", "runs/x") != after.part("noise_levels", "runs/x")


def test_a_measurement_is_named_by_its_settings_alone():
    before, after = read(), read(evaluate__noise_levels__sigmas=[5, 7, 25], title="another", device="cpu")
    assert before.part("noise_levels", "runs/x") != after.part("noise_levels", "runs/x")
    assert before.part("intervals", "runs/x") == after.part("intervals", "runs/x")
    assert before.record() != after.record()
    assert before.record() == read(device="cpu", gpu=0).record()


def test_numbers_spelled_otherwise_are_the_same_config():
    before = read(evaluate__noise_levels__sigmas=[5, 25])
    after = read(evaluate__noise_levels__sigmas=[5.0, 25.0], train__recipe=RECIPE | {"steps": 600.0})
    assert before.record() == after.record() and before.runs == after.runs
    assert before.part("noise_levels", "runs/x") == after.part("noise_levels", "runs/x")


def test_measuring_on_the_cpu_too_is_another_certificate():
    part, less = (
        read(evaluate__certificate=DEFAULT["evaluate"]["certificate"] | more).part("certificate", "runs/x")
        for more in ({"also_cpu": True}, {"also_cpu": False})
    )
    assert part == read(evaluate__certificate__classical=[]).part("certificate", "runs/x") != less


def test_a_measurement_with_new_content_gets_a_new_name(monkeypatch):
    before = {kind: read().part(kind, "runs/x") for kind in ("filters", "examples")}
    newer = {
        name: replace(kind, revision=99) if name == "filters" else kind
        for name, kind in all_measurements().items()
    }
    monkeypatch.setattr("normeq.suite.experiment.plan.all_measurements", lambda: newer)
    assert read().part("filters", "runs/x") != before["filters"]
    assert read().part("examples", "runs/x") == before["examples"]


def test_what_is_measured_far_from_zero_has_a_name_of_its_own_where_the_mean_is_taken_out(monkeypatch):
    def names():
        found = read(trained=["fdncnn-norm-sigma25", "fdncnn-wrapped-sigma25"])
        kinds = ("heatmap", "noise_levels", "certificate")
        return {(kind, folder): found.part(kind, folder) for kind in kinds for folder in found.measured}

    before = names()
    monkeypatch.setattr("normeq.suite.experiment.plan.FAR", 32.0)
    after = names()
    changed = {(kind, folder) for kind, folder in before if before[kind, folder] != after[kind, folder]}
    assert {kind for kind, _ in changed} == {"heatmap", "certificate"}
    assert all("-norm-" in folder for _, folder in changed) and len(changed) == 4


def test_users_denoisers_are_one_more_row_but_have_no_filters():
    experiment = read(denoisers={"mine": "own.py:denoise"})
    assert experiment.denoisers["embedded/denoisers/mine"] == "mine=own.py:denoise"
    for kind, count in {"noise_levels": 5, "intervals": 5, "examples": 5, "gallery": 5, "filters": 4}.items():
        assert len(experiment.parts(kind)) == count


def test_networks_that_are_not_trained_can_be_left_out(tmp_path, monkeypatch):
    everything = list(read().runs)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("normeq.suite.data.registry.pin", lambda name, data_dir=None: "pin")
    names = list(read(train__sigmas=[25]).runs)
    assert len(names) == len(everything) == 4
    with pytest.raises(NormeqError, match="none of the networks is trained yet"):
        read(train__missing="skip")
    (tmp_path / "results/runs" / names[2]).mkdir(parents=True)
    (tmp_path / "results/runs" / names[2] / "model.safetensors").touch()
    assert list(read(train__missing="skip").runs) == [names[2]]
    assert list(read(train__missing="train").runs) == names


def test_users_denoisers_need_no_networks():
    config = {key: CONFIG[key] for key in ("experiment", "evaluate")} | {"denoisers": {"mine": "own:denoise"}}
    experiment = read_experiment(resolve_config(config, SCHEMA))
    assert not experiment.runs and len(experiment.parts("noise_levels")) == 1


def test_pictures_show_one_seed_and_level():
    experiment = read(train__sigmas=[25, 50], train__seeds=[0, 1])
    assert len(experiment.parts("noise_levels")) == 16
    assert len(experiment.parts("examples")) == 4


def test_a_single_network_can_be_left_out_until_it_is_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("normeq.suite.data.registry.pin", lambda name, data_dir=None: "pin")
    big = CONFIG["networks"][0] | {"name": "big", "sigmas": [10]}
    runs = [run for run in read(networks=[*CONFIG["networks"], big]).runs if run.startswith("big")]
    assert len(runs) == 4
    later = [*CONFIG["networks"], big | {"missing": "skip"}]
    assert len(read(networks=later).runs) == 4
    (tmp_path / "results/runs" / runs[0]).mkdir(parents=True)
    (tmp_path / "results/runs" / runs[0] / "model.safetensors").touch()
    assert [run for run in read(networks=later).runs if run.startswith("big")] == runs[:1]


def test_every_network_is_in_the_pictures_of_ranges_and_the_first_in_others():
    told = CONFIG["networks"][0] | {"name": "told", "noise_map": True, "sigmas": [[1, 50]]}
    experiment = read(networks=[*CONFIG["networks"], told], train__seeds=[0, 1], variants=["norm", "scale"])
    for kind, names in (
        ("heatmap", {"tiny", "told"}),
        ("interval_pictures", {"tiny", "told"}),
        ("examples", {"tiny"}),
    ):
        shown = [
            experiment.runs[folder.removeprefix("runs/")]
            for folder in experiment.shown(all_measurements()[kind].of)
        ]
        assert {spec.network["name"] for spec in shown} == names and {spec.seed for spec in shown} == {0}
        assert len(shown) == 2 * len(names)


def test_noise_levels_of_training_may_all_be_the_networks_own():
    train = {key: value for key, value in CONFIG["train"].items() if key != "sigmas"}
    own = [CONFIG["networks"][0] | {"sigmas": [25]}]
    assert read(networks=own, train=train).runs.keys() == read(networks=own).runs.keys()
    with pytest.raises(NormeqError, match=r"train: the key 'sigmas' is missing \(networks\[0\]"):
        read(train=train)


def test_a_network_may_have_noise_levels_and_seeds_of_its_own():
    told = CONFIG["networks"][0] | {"name": "told", "noise_map": True, "sigmas": [[1, 50]], "seeds": [4]}
    experiment = read(networks=[*CONFIG["networks"], told], variants=["norm"])
    [blind, other] = experiment.runs.values()
    assert (blind.sigma, blind.seed) == (25, 0) and (other.sigma, other.seed) == ((1, 50), 4)
    assert other.network == {k: v for k, v in told.items() if k not in ("sigmas", "seeds")}
    assert other.build().noise_map


def test_settings_reach_the_command_line_unchanged():
    moved = {"datasets": ["skimage-test"], "sigma": 15, "intervals": [[-1, 1]]}
    experiment = read(evaluate__gallery__intervals=moved, evaluate__gallery__size=64)
    for name, kind in experiment.measurements.items():
        assert settings_from(kind, {}, experiment.settings_json(name)) == experiment.settings(name)
    assert experiment.settings("gallery").intervals.intervals == [(-1, 1)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train__dataset": "bsd432"}, "train.dataset: unknown data set 'bsd432'"),
        (
            {"evaluate__noise_levels__datasets": ["set13"]},
            "evaluate.noise_levels.datasets: unknown data set 'set13'",
        ),
        ({"evaluate__examples__image": "set13/01"}, "evaluate.examples: unknown data set 'set13'"),
        ({"evaluate__intervals__intervals": [[0, 1], [1, 1]]}, "intervals[1]: a must be below b, got [1, 1]"),
        (
            {"evaluate__gallery__intervals__intervals": [[0, 1], [1, 0]]},
            "gallery.intervals.intervals[1]: a must be below b, got [1, 0]",
        ),
        (
            {"evaluate__gallery__intervals__datasets": ["set12"]},
            "gallery.intervals.datasets: set12 is not in evaluate.gallery.datasets",
        ),
        (
            {"evaluate__filters__pixels": [[0, 96]]},
            "filters.pixels[0]: [0, 96] is outside the crop of 96 pixels",
        ),
        (
            {"evaluate__examples": {"image": "set12/05", "crop": [60, 200, 57], "sigmas": [25]}},
            "examples.crop: 57 pixels from row 60, column 200 leave the image of 256×256 pixels",
        ),
        (
            {"evaluate__certificate__image": "set12/13"},
            "certificate.image: set12 has no image '13'; the first is 01, the last 12",
        ),
        ({"evaluate__filters__image": "skimage-test/cat"}, "skimage-test has no image 'cat'"),
        (
            {"networks": [*CONFIG["networks"], CONFIG["networks"][0] | {"depth": 7}]},
            "networks[1]: tiny is the name of another network too",
        ),
        (
            {"evaluate__certificate__dtypes": ["float32", "tf32"], "device": "cpu"},
            "certificate.dtypes: tf32 exists on NVIDIA GPUs only",
        ),
        ({"networks": CONFIG["networks"] * 2}, "networks: two runs are called tiny-"),
        ({"networks": []}, "nothing to evaluate"),
        ({"evaluate__intervals__intervals": [[0, 2]]}, "intervals.intervals: [0, 1] is missing"),
        ({"evaluate__heatmap__scales": [0.5, 2]}, "evaluate.heatmap.scales: 1 is missing"),
        ({"evaluate__heatmap__shifts": [-1, 1]}, "evaluate.heatmap.shifts: 0 is missing"),
        ({"train__sigmas": [26]}, "noise_levels.sigmas: none is a level of training (26)"),
        ({"claims": DEFAULT["claims"][:1] * 2}, "claims[1]: the id 'collapse-above' is there twice"),
        (
            {"claims": [DEFAULT["claims"][0] | {"datasets": ["set13"]}]},
            "claims[0].datasets: unknown data set",
        ),
        ({"evaluate__filters__sigmas": [5, float("nan")]}, "evaluate.filters.sigmas[1]: nan is not a finite"),
    ],
)
def test_what_the_schema_cannot_see(changes, words):
    with pytest.raises(NormeqError) as caught:
        read(**changes)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ({"name": "a", "architecture": "fdncnn", "channels": 15}, "channels"),
        ({"name": "a", "architecture": "dncnn", "depth": 5}, "norm"),
        ({"name": "a", "architecture": "drunet", "depth": 5}, "depth"),
    ],
)
def test_networks_that_cannot_be_built_are_refused_before_training(tmp_path, monkeypatch, network, words):
    experiment = read(networks=[network])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NormeqError, match="config: networks: a: ") as caught:
        check_networks(experiment)
    assert words in str(caught.value)


def test_the_source_file_of_a_users_denoiser(tmp_path, monkeypatch):
    experiment = read(
        denoisers={"a": "own/code.py:f", "b": "own.code:f", "c": "scipy.ndimage:gaussian_filter"}
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/code.py").write_text("f = abs")
    found = [experiment.source_file(f"embedded/denoisers/{name}") for name in "abc"]
    assert found == ["own/code.py", "own/code.py", None]


def test_a_users_denoiser_is_measured_anew_when_its_file_changes(tmp_path, monkeypatch):
    experiment = read(denoisers={"mine": "own.py:f"})
    monkeypatch.chdir(tmp_path)
    names = set()
    for text in ("f = abs", "f = min"):
        (tmp_path / "own.py").write_text(text)
        names.add(experiment.part("noise_levels", "embedded/denoisers/mine"))
    assert len(names) == 2
