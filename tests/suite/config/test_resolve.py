"""Reading configs: defaults filled in, every mistake named in one line."""

from pathlib import Path

import pytest
import yaml

from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve as resolve_config

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


def example() -> dict:
    return yaml.safe_load((ROOT / "config/default.yaml").read_text())


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "config").glob("*.yaml")))
def test_our_configs_are_valid(name):
    resolve_config(yaml.safe_load((ROOT / "config" / name).read_text()), SCHEMA)


def test_defaults_are_written_out_and_the_input_is_left_alone():
    config = example()
    del config["evaluate"]["filters"]["radius"]
    resolved = resolve_config(config, SCHEMA)
    assert resolved["evaluate"]["filters"]["radius"] == 10
    assert resolved["evaluate"]["noise_levels"]["draws"] == 1
    assert resolved["data"] == {"dir": "data", "remote": None}
    assert "data" not in config and "radius" not in config["evaluate"]["filters"]


def put(config: dict, path: str, value: object) -> None:
    *parents, last = path.split("/")
    for key in parents:
        config = config[int(key) if isinstance(config, list) else key]
    config[last] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("sigmas", [25], "unknown key 'sigmas'"),
        ("train/recipe/stepz", 5, "train.recipe: unknown key 'stepz'; did you mean 'steps'?"),
        ("networks/0/depht", 5, "networks[0]: unknown key 'depht'; did you mean 'depth'?"),
        ("variants", ["orinary"], "variants[0]: 'orinary' is not one of ordinary, scale, norm, wrapped"),
        (
            "networks/0/architecture",
            "unet",
            "networks[0].architecture: 'unet' is not one of fdncnn, drunet, dncnn",
        ),
        ("train/recipe/steps", 0, "train.recipe.steps: 0 must be at least 1"),
        ("train/recipe/lr", "1e-3", "train.recipe.lr: '1e-3' is not a number (YAML reads 1e-3 as text"),
        ("train/sigmas", [-5], "train.sigmas[0]: -5 must be above 0"),
        ("train/sigmas", [[0, 300]], "train.sigmas[0][1]: 300 must be at most 255"),
        ("evaluate/noise_levels/sigmas", [25, -1], "evaluate.noise_levels.sigmas[1]: -1 must be above 0"),
        (
            "evaluate/noise_levels/sigmas",
            [25, 25],
            "evaluate.noise_levels.sigmas: an entry stands there twice",
        ),
        ("evaluate/noise_levels/draws", 0, "evaluate.noise_levels.draws: 0 must be at least 1"),
        ("networks/0/image_channels", 3, "networks[0].image_channels: 3 must be at most 1"),
        ("networks/0/depth", 1, "networks[0].depth: 1 must be at least 2"),
        ("train/seeds", [2**64], "train.seeds[0]: 18446744073709551616 must be at most 18446744073709551615"),
        ("experiment", "../x", "experiment: '../x' does not match"),
        ("device", "tpu", "device: 'tpu' does not match"),
        ("denoisers", {"mine": "no-colon"}, "denoisers.mine: 'no-colon' does not match"),
    ],
)
def test_a_mistake_is_named_in_one_line(path, value, words):
    config = example()
    put(config, path, value)
    with pytest.raises(NormeqError) as caught:
        resolve_config(config, SCHEMA)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named():
    config = example()
    del config["train"]["dataset"], config["experiment"]
    with pytest.raises(
        NormeqError, match=r"the key 'experiment' is missing|the key 'dataset' is missing"
    ) as caught:
        resolve_config(config, SCHEMA)
    assert "(and 1 more)" in str(caught.value)
