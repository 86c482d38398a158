"""A JSON schema of settings as a page to read: one table per section, a row per key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

HEAD = "| key | value | default | meaning |\n|---|---|---|---|"
PLURALS = {"number": "numbers", "whole number": "whole numbers", "text": "texts", "list": "lists"}
KINDS = {"number": "number", "integer": "whole number", "string": "text", "boolean": "`true` or `false`"}
BOUNDS = {
    "exclusiveMinimum": "above {}",
    "minimum": "at least {}",
    "exclusiveMaximum": "below {}",
    "maximum": "at most {}",
    "multipleOf": "a multiple of {}",
    "pattern": "like `{}`",
}


def reference(schema: Mapping[str, Any]) -> str:
    """Markdown of every key of a schema: a section for each group of keys, in the order of the schema.

    Args:
        schema: as :func:`normeq.suite.config.schema.schema_of` gives it, with a description of the whole.
    """
    sections = dict(_sections("", schema))
    # Sections with the same keys are written once, where the last one stands.
    written = {json.dumps(section.get("properties")): path for path, section in sections.items()}
    parts = []
    for path, section in sections.items():
        if path:
            parts.append(f"{'#' * min(path.count('.') + 2, 3)} `{path}`")
        if section.get("description"):
            parts.append(_sentence(section["description"]))
        other = written[json.dumps(section.get("properties"))]
        if other != path:
            parts.append(f"The keys of [`{other}`](#{anchor(other)}).")
        elif "allOf" in section:
            parts += _kinds(path, section)
        else:
            parts.append(_table(path, section))
    return "\n\n".join(parts) + "\n"


def anchor(heading: str) -> str:
    """What a heading is called in links."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _sections(path: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Groups of keys by path; the entries of a list go by the name of the list."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        inner = part.get("items", part)
        if _is_group(inner):
            below = f"{path}.{name}" if path else name
            words = {"description": part.get("description", inner.get("description", ""))}
            yield from _sections(below, inner | words)


def _is_group(schema: Mapping[str, Any]) -> bool:
    return "properties" in schema


def _kinds(path: str, section: Mapping[str, Any]) -> Iterator[str]:
    """Entries of which one key says which others there are: what all have, then the rest of each."""
    [key] = section["properties"]
    kinds = {branch["if"]["properties"][key]["const"]: branch["then"] for branch in section["allOf"]}
    first = next(iter(kinds.values()))
    shared = {
        name: part
        for name, part in first["properties"].items()
        if all(kind["properties"].get(name) == part for kind in kinds.values())
    }
    chooser = {key: section["properties"][key] | {"description": "Which other keys there are."}}
    common = {"properties": chooser | shared, "required": [key, *first["required"]]}
    yield f"Keys of every `{key}`:"
    yield _table(path, common)
    for name, kind in kinds.items():
        own = {k: part for k, part in kind["properties"].items() if k not in common["properties"]}
        yield f"### `{path}` with `{key}: {name}`"
        yield _sentence(kind["description"])
        yield _table(path, {"properties": own, "required": kind["required"]})
        for below, part in own.items():
            if _is_group(part):
                yield f"### `{path}.{below}`"
                yield from [_sentence(part["description"])] if part.get("description") else []
                yield _table(f"{path}.{below}", part)


def _table(path: str, section: Mapping[str, Any]) -> str:
    rows = []
    for name, part in section["properties"].items():
        cells = [
            f"`{name}`",
            _value(f"{path}.{name}" if path else name, part),
            "**required**" if name in section.get("required", []) else _default(part),
            _sentence(part.get("description", ""), part.get("enum", [])),
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([HEAD, *rows])


def _value(path: str, schema: Mapping[str, Any]) -> str:
    """What a key may hold."""
    if _is_group(schema):
        return f"[keys](#{anchor(path)})"
    if _is_group(schema.get("items", {})):
        return f"list of [entries](#{anchor(path)})"
    return _words(schema)


def _words(schema: Mapping[str, Any], many: bool = False) -> str:
    """``number above 0, at most 255``; of many ``numbers above 0, at most 255``."""
    if "oneOf" in schema:
        return " or ".join(_words(part, many) for part in schema["oneOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{_yaml(value)}`" for value in schema.get("enum", [schema.get("const")]))
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = [_kind(kind, schema, many) for kind in kinds if kind != "null"]
    return " or ".join([*words, *(["`null`"] if "null" in kinds else [])])


def _kind(kind: str, schema: Mapping[str, Any], many: bool) -> str:
    if kind == "object":
        return f"names, each with a {_words(schema['additionalProperties'])}"
    if kind == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if most is not None:
            head = {2: f"pair{'s' if many else ''} of"}.get(most, str(most))
            return f"{head} {_words(schema['items'], many=True)}"
        ends = [*(["one or more"] if least else []), *(["none twice"] if schema.get("uniqueItems") else [])]
        return "; ".join([f"{'lists' if many else 'list'} of {_words(schema['items'], many=True)}", *ends])
    if schema.get("minimum") is not None and schema.get("minimum") == schema.get("maximum"):
        return f"`{schema['minimum']}`"
    word = KINDS[kind]
    bounds = [text.format(_yaml(schema[key])) for key, text in BOUNDS.items() if key in schema]
    if "not" in schema:
        bounds.append(f"not {_yaml(schema['not']['const'])}")
    return " ".join([PLURALS.get(word, word) if many else word, *([", ".join(bounds)] if bounds else [])])


def _default(schema: Mapping[str, Any]) -> str:
    if "default" not in schema or _is_group(schema):
        return "–"
    return f"`{_yaml(schema['default'])}`"


def _yaml(value: Any) -> str:
    """A value as a config has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _sentence(text: str, values: Sequence[Any] = ()) -> str:
    """A description as it stands on the page: with a capital, unless it begins with a symbol or one of the
    values; names in it as code, without the roles of docstrings."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", " ".join(text.split())).replace("<", "\\<")
    first = re.split(r"\W", text, maxsplit=1)[0]
    return text if first in values or len(first) < 2 else text[:1].upper() + text[1:]
