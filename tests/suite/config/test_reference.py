"""The page of all keys is made from the typed settings: every key, with what the settings say of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from normeq.suite.config.reference import anchor, reference
from normeq.suite.config.schema import schema_of
from normeq.suite.config.settings import LeftOut, Settings, unique
from normeq.suite.experiment.settings import Config, config_reference

PAGE = Path(__file__).parents[3] / "docs/config.md"


def test_the_page_is_the_one_of_the_settings() -> None:
    assert PAGE.read_text(encoding="utf-8") == config_reference(), "run `make schema`"


def rows(text: str) -> dict[str, dict[str, list[str]]]:
    """Heading -> key -> the other cells."""
    found: dict[str, dict[str, list[str]]] = {"": {}}
    heading = ""
    for line in text.splitlines():
        if line.startswith("##"):
            heading = line.lstrip("# ")
            found[heading] = {}
        elif line.startswith("| `"):
            key, *cells = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            found[heading][key.strip("`")] = cells
    return found


def test_every_key_is_there_once_with_all_that_is_said_of_it() -> None:
    page, schema = rows(config_reference()), schema_of(Config)

    def look(path: str, section: dict) -> None:
        own = page[f"`{path}`" if path else ""]
        if own:  # empty where another section has the same keys
            assert set(own) == set(section["properties"])
        for key, part in section["properties"].items():
            if own:
                value, default, meaning = own[key]
                assert value and meaning
                assert (default == "**required**") == (key in section.get("required", []))
            inner = part.get("items", part)
            if "properties" in inner and key != "claims":
                look(f"{path}.{key}".lstrip("."), inner)

    look("", schema)
    for branch in schema["properties"]["claims"]["items"]["allOf"]:
        name = branch["if"]["properties"]["kind"]["const"]
        own = page[f"`claims` with `kind: {name}`"]
        assert set(own) | set(page["`claims`"]) == set(branch["then"]["properties"])
        assert not set(own) & set(page["`claims`"])


def test_links_lead_to_headings_and_nothing_is_taken_for_html() -> None:
    text = config_reference()
    headings = [anchor(heading) for heading in rows(text)]
    assert len(headings) == len(set(headings))
    assert set(re.findall(r"\(#(.+?)\)", text)) <= set(headings)
    assert not re.search(r"(?<!\\)<", re.sub("`.*?`", "", text))


class Part(Settings):
    """What a part is, see :class:`normeq.x.Y`."""

    name: Annotated[str, Field(pattern="^a|b$", description="a or <b>.")]


class Whole(Settings):
    """All kinds of settings."""

    one: Annotated[float, Field(gt=0, le=255, description="one number")]
    many: Annotated[list[Annotated[int, Field(ge=2)]], unique("Several.")] = [2, 3]
    pair: Annotated[tuple[float, float] | None, Field(description="Two."), LeftOut()] = None
    word: Annotated[Literal["mse", "l1"], Field(description="mse or l1.")] = "mse"
    yes: Annotated[bool, Field(description="Whether.")] = True
    perhaps: Annotated[int | None, Field(multiple_of=16, description="None for all.")] = None
    parts: Annotated[list[Part], Field(description="Its parts.")] = []
    alone: Annotated[Part | None, Field(description="One part."), LeftOut()] = None


@pytest.mark.parametrize(
    ("key", "cells"),
    [
        ("one", ["number above 0, at most 255", "**required**", "One number"]),
        ("many", ["list of whole numbers at least 2; one or more; none twice", "`[2, 3]`", "Several."]),
        ("pair", ["pair of numbers", "–", "Two."]),
        ("word", ["`mse`, `l1`", "`mse`", "mse or l1."]),
        ("yes", ["`true` or `false`", "`true`", "Whether."]),
        ("perhaps", ["whole number a multiple of 16 or `null`", "`null`", "None for all."]),
        ("parts", ["list of [entries](#parts)", "`[]`", "Its parts."]),
        ("alone", ["[keys](#alone)", "–", "One part."]),
    ],
)
def test_a_key_says_type_bounds_default_and_meaning(key: str, cells: list[str]) -> None:
    assert rows(reference(schema_of(Whole)))[""][key] == cells


def test_sections_with_the_same_keys_are_written_once() -> None:
    page = reference(schema_of(Whole))
    assert rows(page)["`parts`"] == {} and "The keys of [`alone`](#alone)." in page
    assert rows(page)["`alone`"] == {"name": ["text like `^a\\|b$`", "**required**", "a or \\<b>."]}
