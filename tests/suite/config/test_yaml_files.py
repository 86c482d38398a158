"""YAML of a user: plain values, no key twice, and every mistake is one line."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from normeq import cli
from normeq.errors import NormeqError
from normeq.suite.campaign.plan import read_config
from normeq.suite.claims.spec import read_claims
from normeq.suite.config.yaml_files import load_yaml, no_key_twice
from normeq.suite.data import registry
from normeq.suite.report.page import settings_of
from normeq.suite.training.run_file import read_spec

MERGED = """
base: &base {a: 1, b: {c: 2}}
more: &more
  <<: *base
  b: 3
most: {<<: [*more, *base], a: 4}
"""


def test_what_is_yaml_is_read_as_before():
    for text in ("", "a: 1", "[1, {a: 1}, {a: 1}]", MERGED, '{"a": {"b": null}}', "é: ü"):
        assert load_yaml(text, "x") == load_yaml(text.encode(), "x") == yaml.safe_load(text)
    assert load_yaml(MERGED, "x")["most"] == {"a": 4, "b": 3}


MISTAKES = {
    "a: 1\nb: 2\n'a': 3\n": "x: the key 'a' is given twice (lines 1 and 3): keep one",
    "- q:\n    {b: 1, c: 2, b: 1}": "x: the key 'b' is given twice (line 2): keep one",
    "[{1: 2, 1: 3}]": "x: the key '1' is given twice (line 1)",
    "a: [": "x is not YAML (while parsing",
    "experiment: 2024-99-99": "x is not YAML (month must be in 1..12",
    "[" * 3000: "x is not YAML (brackets in brackets without end)",
    b"\xff\xfe\x00": "x is not UTF-8",
    "a: !!python/object/apply:os.system [x]": "x is not YAML (could not determine a constructor",
    "{[a]: 1, {b: 1}: 2}": "x is not YAML (while constructing a mapping",
    "\x00": "x is not YAML (unacceptable character",
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: repr(text)[:20])
def test_mistakes_are_one_line(text):
    with pytest.raises(NormeqError) as refused:
        load_yaml(text, "x")
    assert str(refused.value).startswith(MISTAKES[text]) and "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: 2024-99-99", "[" * 3000, b"\xff\xfe"])
def test_every_reader_refuses_them(text, tmp_path):
    path = tmp_path / "datasets.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    readers = [
        read_config,
        read_claims,
        lambda path: read_spec(str(path)),
        lambda path: registry.load(tmp_path),
    ]
    for read in [*readers, settings_of]:
        with pytest.raises(NormeqError, match="given twice|not YAML|not UTF-8|not text") as refused:
            read(path)
        assert "datasets.yaml" in str(refused.value) and "\n" not in str(refused.value)


def test_json_too():
    with pytest.raises(NormeqError, match=r"inline JSON: the key 'seed' is given twice \(line 1\)"):
        read_spec('{"seed": 0, "sigma": 25, "seed": 7}')
    with pytest.raises(ValueError, match="the key 'a' is given twice"):
        json.loads('{"b": {"a": 1, "a": 1}}', object_pairs_hook=no_key_twice)
    words = [
        "evaluate",
        "noise-levels",
        "x=y.py:f",
        "--out",
        "o.csv",
        "--settings",
        '{"sigmas":[5],"sigmas":[9]}',
    ]
    error = CliRunner().invoke(cli.app, words).exception
    assert isinstance(error, NormeqError) and "the key 'sigmas' is given twice" in str(error)
