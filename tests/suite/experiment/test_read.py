"""From config to experiment: which networks are trained, and what is refused."""

import pytest

from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve as resolve_config
from normeq.suite.experiment.read import check_networks, read_experiment
from tests.suite.experiment.configs import CONFIG, DEFAULT, SCHEMA, read


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
        ({"networks": CONFIG["networks"] * 2}, "would have one name in tables and figures"),
        (
            {"networks": [{**CONFIG["networks"][0], "recipe": {"lr": lr}} for lr in (0.003, 0.002)]},
            "would have one name in tables and figures; give each network its own name",
        ),
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
