"""The JSON schema of typed settings, in the words in which :mod:`normeq.suite.config.resolve` explains."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a model, its sections written out in place; not to be changed.

    Fixed-length tuples of one type become arrays with ``items``, optional values a list of types; titles,
    which only repeat names, are left out, and so is null for what may only be left out.
    """
    whole = model.model_json_schema()
    return _tidy(whole, whole.get("$defs", {}))


def _tidy(schema: Any, defs: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_tidy(part, defs) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        named = defs[schema["$ref"].rsplit("/", 1)[1]]
        schema = named | {key: value for key, value in schema.items() if key != "$ref"}
    if "anyOf" in schema:
        schema = _alternatives(schema, defs)
    schema = {key: value for key, value in schema.items() if key not in ("$defs", "title")}
    tidied = {
        key: {name: _tidy(part, defs) for name, part in value.items()}
        if key == "properties"
        else value
        if key in ("default", "enum", "const", "required")
        else _tidy(value, defs)
        for key, value in schema.items()
    }
    parts = tidied.get("prefixItems", [])
    if parts and all(part == parts[0] for part in parts):
        tidied["items"] = tidied.pop("prefixItems")[0]
    if "description" in tidied:
        tidied["description"] = " ".join(tidied["description"].split())
    if "const" in tidied or "enum" in tidied:
        tidied.pop("type", None)
    return tidied


def _alternatives(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """``X | None``: a section may be left out but is not null, of a value null is a type more; of several
    types one must fit."""
    kinds = [part for part in schema["anyOf"] if part.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(kinds) == len(schema["anyOf"]):
        return rest | {"oneOf": kinds}
    [kind] = kinds
    if "$ref" in kind:
        rest.pop("default", None)
        return kind | rest if "description" in rest else defs[kind["$ref"].rsplit("/", 1)[1]] | rest
    return kind | rest | {"type": [kind["type"], "null"]}
