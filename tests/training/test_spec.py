"""What a run is, and when two runs are the same."""

import copy
import inspect
import json
from dataclasses import replace
from pathlib import Path

import pytest

from normeq.errors import NormeqError
from normeq.nn.build import ARCHITECTURES
from normeq.training import recipes
from normeq.training.schedule import learning_rate_factor
from normeq.training.spec import Recipe, RunSpec

ROOT = Path(__file__).parents[2]
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


def test_a_range_may_be_a_list():
    spec = RunSpec.from_dict(changed("sigma", [0, 55]))
    assert replace(spec, sigma=[0, 55]) == spec
    assert replace(spec, sigma=[0, 55]).fingerprint("a") == spec.fingerprint("a")


@pytest.mark.parametrize(
    "sigma", ["25", "ab", None, True, (0, 1, 2), [0], (), [], ("0", 55), [[0, 1], 2], {0: 1, 2: 3}], ids=repr
)
def test_what_is_no_noise_level_is_one_line(sigma):
    for make in (
        lambda: replace(RunSpec.from_dict(RUN), sigma=sigma),
        lambda: RunSpec.from_dict(changed("sigma", sigma)),
    ):
        with pytest.raises(
            NormeqError, match=r"sigma must be a number, or a range \[low, high\] of two"
        ) as refused:
            make()
        assert "\n" not in str(refused.value)


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
        ("seed", 2**70, "seed must be a whole number of at least 0 and at most 18446744073709551615"),
        ("seed", True, "seed must be a whole number"),
        ("network.image_channels", 3, "image_channels must be 1, not 3: images are trained on and measured"),
        ("network", {"architecture": "fdncnn"}, "the key 'name' is missing"),
    ],
)
def test_bad_runs(path, value, message):
    with pytest.raises(NormeqError, match=message):
        RunSpec.from_dict(changed(path, value))


WRONG = (
    "false", "x", "111", "1e-5", -1, 0, 1.5, [1, 0, 1], [1.5, 1, 1], [True, 1, 1], [], [[1]], {}, None, True,
    float("nan"), float("inf"),
)  # fmt: skip
RIGHT = {
    "noise_map": (True,), "residual": (True,), "batch_norm": (True,), "eps": (1.5,), "dilations": (None,),
}  # fmt: skip


def options():
    for architecture, cls in ARCHITECTURES.items():
        own = [name for name in inspect.signature(cls).parameters if name != "variant"]
        yield from ((architecture, name) for name in (*own, "constraint", "statistics", "box"))


@pytest.mark.parametrize(("architecture", "option"), list(options()))
def test_options_of_the_wrong_type_are_one_line(architecture, option):
    few = {"widths": [4, 4], "blocks": 1} if architecture == "drunet" else {"depth": 3, "channels": 4}
    for value in WRONG:
        network = {"name": "a", "architecture": architecture, **few, option: value}
        if any(type(value) is type(one) and value == one for one in RIGHT.get(option, ())):
            RunSpec.from_dict(RUN | {"network": network, "variant": "ordinary"}).build()
            continue
        with pytest.raises(NormeqError) as refused:
            RunSpec.from_dict(RUN | {"network": network, "variant": "ordinary"}).build()
        assert option in str(refused.value) and "\n" not in str(refused.value)


def test_missing_keys():
    with pytest.raises(NormeqError, match="'recipe' is missing"):
        RunSpec.from_dict({"variant": "norm"})


def test_length_is_given_in_one_way():
    for recipe in ({}, {"steps": 5, "max_minutes": 1}):
        with pytest.raises(NormeqError, match="recipe: give either steps or max_minutes"):
            RunSpec.from_dict(RUN | {"recipe": recipe})


def test_preset_is_a_start_that_other_keys_replace():
    fast = RunSpec.from_dict(RUN | {"recipe": {"preset": "fast", "steps": 7}}).recipe
    assert fast.optimizer == "muon" and fast.steps == 7
    changed = RunSpec.from_dict(RUN | {"recipe": {"preset": "fast", "steps": 7, "lr": 0.5}}).recipe
    assert changed == replace(fast, lr=0.5)
    assert RunSpec.from_dict(RUN | {"recipe": {"preset": "paper", "max_minutes": 3}}).recipe.steps is None
    with pytest.raises(NormeqError, match="preset must be one of paper, fast, tuned, not 'slow'"):
        RunSpec.from_dict(RUN | {"recipe": {"preset": "slow"}})


def tuned(variant, **more):
    return RunSpec.from_dict(RUN | {"variant": variant, "recipe": {"preset": "tuned"} | more}).recipe


def test_tuned_recipes_are_those_of_recorded_networks():
    """Each variant at 164 and at 1,311 million pixels is in results/runs."""
    records = [json.loads(file.read_text()) for file in ROOT.glob("results/runs/fdncnn20x64*/run.json")]
    recorded = [(record["spec"]["variant"], Recipe(**record["spec"]["recipe"])) for record in records]
    for variant in ("ordinary", "scale", "norm", "wrapped", "invariant"):
        for length in ({"steps": 2500, "store": "float16"}, {"steps": 20000, "validate_every": 4000}):
            assert (variant, tuned(variant, holdout=8, **length)) in recorded


def test_tuned_rate_falls_with_the_fourth_root_of_the_pixels():
    for changed in ({"steps": 1600}, {"steps": 100, "batch": 256}, {"steps": 100, "patch": 256}):
        assert tuned("norm", steps=100).lr == pytest.approx(2 * tuned("norm", **changed).lr, rel=0.05)
    assert tuned("norm", steps=100, lr=0.5).lr == 0.5
    assert tuned("norm", max_minutes=3, lr=0.5).max_minutes == 3


def test_tuned_rate_is_not_guessed(monkeypatch):
    for recipe in ({"max_minutes": 3}, {}, {"steps": "many"}):
        with pytest.raises(NormeqError, match="depends on the length: give steps, or lr"):
            tuned("norm", **recipe)
    monkeypatch.delitem(recipes.TUNED_RATES, "norm")
    with pytest.raises(NormeqError, match="knows no rate for the variant norm: give lr"):
        tuned("norm", steps=5)


def test_preset_of_the_paper_differs_by_variant():
    """Literature notes 2.4: loss, steps and schedule of the published runs."""
    recipes = {
        v: RunSpec.from_dict(RUN | {"variant": v, "recipe": {"preset": "paper"}}).recipe
        for v in ("ordinary", "scale", "norm", "wrapped")
    }
    assert {v: r.loss for v, r in recipes.items()} == {
        "ordinary": "l1",
        "scale": "l1",
        "norm": "mse",
        "wrapped": "mse",
    }
    assert {v: r.steps // 1000 for v, r in recipes.items()} == {
        "ordinary": 500,
        "scale": 500,
        "norm": 900,
        "wrapped": 900,
    }
    assert {(r.lr, r.batch, r.patch, r.optimizer) for r in recipes.values()} == {(1e-4, 128, 70, "adam")}


def test_schedules():
    def factors(recipe):
        return [learning_rate_factor(recipe, step, step / recipe.steps) for step in range(recipe.steps)]

    cosine = factors(Recipe(steps=1000, schedule="cosine", warmup=10))
    assert cosine[:10] == pytest.approx([(i + 1) / 10 for i in range(10)], rel=1e-3)
    assert (
        cosine[500] == pytest.approx(0.5) and cosine[999] < 1e-5 and cosine[10:] == sorted(cosine[10:])[::-1]
    )
    linear = factors(Recipe(steps=100, schedule="linear"))
    assert linear == pytest.approx([1 - i / 100 for i in range(100)])
    halve = factors(Recipe(steps=100, schedule="halve", halve_every=30))
    assert [halve[step] for step in (0, 29, 30, 60, 90)] == [1, 1, 0.5, 0.25, 0.125]
    assert factors(Recipe(steps=5)) == [1] * 5


def test_another_noise_is_another_run_and_gaussian_changes_nothing():
    plain, laplace = RunSpec.from_dict(RUN), RunSpec.from_dict(RUN | {"noise": "laplace"})
    assert RunSpec.from_dict(RUN | {"noise": "gaussian"}).name("a") == plain.name("a")
    assert "noise" not in plain.to_dict() and RunSpec.from_dict(laplace.to_dict()) == laplace
    assert laplace.fingerprint("a") != plain.fingerprint("a") and "-laplace-sigma" in laplace.name("a")
    with pytest.raises(NormeqError, match="unknown noise 'rain'"):
        RunSpec.from_dict(RUN | {"noise": "rain"})
