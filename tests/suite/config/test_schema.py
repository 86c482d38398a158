"""The schema is made from the typed settings: they cannot drift apart, and every setting says what it is."""

from pathlib import Path

import pytest
import yaml

from normeq.suite.config.schema import schema_of
from normeq.suite.config.settings import Settings
from normeq.suite.experiment.settings import Config, config_schema
from normeq.suite.measuring.registry import all_measurements, is_section

ROOT = Path(__file__).parents[3]


def test_the_schema_in_the_workflow_is_the_one_of_the_settings():
    written = (ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8")
    assert written == config_schema(), "run `make schema`"


def settings_without_description(schema, path="config"):
    for name, part in schema.get("properties", {}).items():
        if not part.get("description") and "const" not in part and "enum" not in part:
            yield f"{path}.{name}"
        yield from settings_without_description(part, f"{path}.{name}")
        yield from settings_without_description(part.get("items", {}), f"{path}.{name}[]")


def test_every_setting_has_a_description():
    assert not list(settings_without_description(yaml.safe_load(config_schema())))


@pytest.mark.parametrize("name", list(all_measurements()))
def test_defaults_are_valid_and_unchanged_by_typing(name):
    """What the schema fills in is what the typed settings have."""
    kind = all_measurements()[name]
    for key, part in schema_of(kind.settings)["properties"].items():
        if "default" in part:
            assert kind.settings.model_fields[key].default == part["default"]


def test_what_may_only_be_left_out_is_not_null():
    train = schema_of(Config)["properties"]["train"]
    assert train["type"] == "object" and "default" not in train
    assert is_section(Config) and issubclass(Config, Settings)
