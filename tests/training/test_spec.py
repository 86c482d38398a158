"""What a run is, and when two runs are the same."""

import copy

import pytest

from normeq.errors import NormeqError
from normeq.training.schedule import learning_rate
from normeq.training.spec import Recipe, RunSpec

RUN = {
    "network": {"name": "small", "architecture": "fdncnn", "depth": 3, "channels": 4},
    "variant": "norm",
    "dataset": "skimage-train",
    "sigma": 25,
    "seed": 0,
    "recipe": {"steps": 10, "lr": 0.001},
}


def changed(path, value):
    run = copy.deepcopy(RUN)
    *parents, key = path.split(".")
    place = run
    for parent in parents:
        place = place[parent]
    place[key] = value
    return run


def fingerprint(run, pin="a"):
    return RunSpec.from_dict(run).fingerprint(pin)


def test_round_trip():
    spec = RunSpec.from_dict(RUN)
    assert RunSpec.from_dict(spec.to_dict()) == spec
    ranged = RunSpec.from_dict(changed("sigma", [0, 55]))
    assert RunSpec.from_dict(ranged.to_dict()) == ranged and ranged.sigma_label == "0-55"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("network.depth", 4),
        ("variant", "scale"),
        ("dataset", "bsd431"),
        ("sigma", 26),
        ("sigma", [25, 26]),
        ("seed", 1),
        ("recipe.steps", 11),
        ("recipe.lr", 0.002),
        ("recipe.loss", "l1"),
    ],
)
def test_what_decides_the_weights_changes_the_fingerprint(path, value):
    assert fingerprint(changed(path, value)) != fingerprint(RUN)


def test_other_data_is_another_run():
    assert fingerprint(RUN, "a") != fingerprint(RUN, "b")


@pytest.mark.parametrize(
    ("path", "value"),
    [("network.name", "renamed"), ("recipe.validate_every", 5), ("sigma", 25.0), ("recipe.batch", 128)],
)
def test_what_does_not_decide_the_weights_keeps_the_fingerprint(path, value):
    assert fingerprint(changed(path, value)) == fingerprint(RUN)


def test_name():
    name = RunSpec.from_dict(RUN).name("a")
    assert name == f"small-norm-sigma25-seed0-{fingerprint(RUN)[:8]}"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("recipe.stepz", 1, "recipe: unknown key 'stepz'; known keys are steps"),
        ("colour", 1, "run: unknown key 'colour'"),
        ("recipe.steps", 0, "steps must be a whole number of at least 1, not 0"),
        ("recipe.steps", "many", "steps must be a whole number"),
        ("recipe.loss", "l3", "loss must be one of mse, l1, not 'l3'"),
        ("recipe.lr", -1, "lr must be a number above 0"),
        ("sigma", -1, "sigma must lie between 0 and 255"),
        ("sigma", [30, 20], "low before high"),
        ("seed", -1, "seed must be a whole number"),
        ("network", {"architecture": "fdncnn"}, "the key 'name' is missing"),
    ],
)
def test_bad_runs(path, value, message):
    with pytest.raises(NormeqError, match=message):
        RunSpec.from_dict(changed(path, value))


def test_missing_keys():
    with pytest.raises(NormeqError, match="'recipe' is missing"):
        RunSpec.from_dict({"variant": "norm"})
    with pytest.raises(NormeqError, match="recipe: the key 'steps' is missing"):
        RunSpec.from_dict(RUN | {"recipe": {}})


def test_schedules():
    cosine = Recipe(steps=100, lr=1.0, schedule="cosine", warmup=10)
    rates = [learning_rate(cosine, step) for step in range(100)]
    assert rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert rates[10] == pytest.approx(1) and rates[55] == pytest.approx(0.5) and rates[99] < 1e-3
    halve = Recipe(steps=100, lr=1.0, schedule="halve", halve_every=30)
    assert [learning_rate(halve, step) for step in (0, 29, 30, 60, 90)] == [1, 1, 0.5, 0.25, 0.125]
    assert learning_rate(Recipe(steps=5, lr=0.3), 4) == 0.3
