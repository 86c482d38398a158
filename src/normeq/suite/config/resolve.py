"""Reading settings: checked against a JSON schema, defaults filled in, mistakes named in one line."""

from __future__ import annotations

import copy
import difflib
import math
import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from normeq.errors import NormeqError, hint_of_number


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    """As a JSON schema means it: ``$`` is the end, where Python lets it stand before a last line break too,
    with which a name would be two lines of a shell command."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


def resolve(config: dict[str, Any], schema: dict[str, Any], where: str = "config") -> dict[str, Any]:
    """Check settings against their schema and fill in the schema's defaults.

    Args:
        config: as read from YAML; not changed.
        schema: JSON schema (draft 2020-12) whose ``default`` entries apply; ``$ref`` may point into its
            ``$defs``.
        where: what messages begin with.

    Returns:
        A deep copy with every default written out, and whole numbers as such: 25.0 is 25.

    Raises:
        NormeqError: unknown key, missing key or bad value; one line that names the key.
    """
    config = copy.deepcopy(config)
    errors = list(Validator(schema).iter_errors(config))
    if errors:
        lines = [line for error in errors for line in _describe(error)]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise NormeqError(f"{where}: {lines[0]}{more}")
    _check_finite(config, where, "")
    _fill(config, schema, schema)
    return _whole(config)


def _whole(value: Any) -> Any:
    """Whole numbers as such, so that 25 and 25.0 are one config."""
    if isinstance(value, dict):
        return {key: _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _check_finite(value: Any, where: str, path: str) -> None:
    """Refuse ``.nan`` and ``.inf``, which no bound of a schema keeps out."""
    if isinstance(value, float) and not math.isfinite(value):
        raise NormeqError(f"{where}: {path}: {value} is not a finite number")
    for key, part in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if path else str(key)
        _check_finite(part, where, path + step)


def _fill(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    """Write defaults into ``value``, in place, all the way down."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, dict):
        for key, part in schema.get("properties", {}).items():
            target = root["$defs"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
            if key not in value and "default" in target:
                value[key] = copy.deepcopy(target["default"])
            if key in value:
                _fill(value[key], target, root)
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            _fill(item, schema["items"], root)


def _path(error: jsonschema.ValidationError) -> str:
    """``evaluate.intervals.intervals[3]``."""
    text = ""
    for step in error.absolute_path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _describe(error: jsonschema.ValidationError) -> Iterator[str]:
    """One line per mistake of a validation error."""
    where = f"{_path(error)}: " if error.absolute_path else ""
    value, rule = error.instance, error.validator_value
    if error.validator == "additionalProperties" and isinstance(value, dict):
        known = list(error.schema.get("properties", {}))
        for key in value:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"known keys are {', '.join(known)}"
                yield f"{where}unknown key {key!r}; {hint}"
    elif error.validator == "required":
        for key in rule:
            if key not in value:
                yield f"{where}the key {key!r} is missing"
    elif error.validator == "enum":
        yield f"{where}{value!r} is not one of {', '.join(map(str, rule))}"
    elif error.validator == "type":
        kinds = " or ".join([rule] if isinstance(rule, str) else rule)
        hint = hint_of_number(value) if "number" in kinds or "integer" in kinds else ""
        yield f"{where}{value!r} is not a {kinds}{hint}"
    elif error.validator in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        relation = {
            "minimum": "at least",
            "exclusiveMinimum": "above",
            "maximum": "at most",
            "exclusiveMaximum": "below",
        }[error.validator]
        yield f"{where}{value!r} must be {relation} {rule}"
    elif error.validator == "uniqueItems":
        yield f"{where}an entry stands there twice"
    elif error.validator == "oneOf" and error.context:
        # The schema uses oneOf for "a number or a pair": report the branch whose type fits.
        fitting = [e for e in error.context if e.validator != "type" or len(e.path)]
        yield from _describe(fitting[0] if fitting else error.context[0])
    else:
        yield f"{where}{error.message}"
