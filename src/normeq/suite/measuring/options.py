"""Settings of a measurement as options of its command, and what was given as settings."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from normeq.errors import NormeqError
from normeq.suite.config.resolve import resolve
from normeq.suite.config.schema import schema_of
from normeq.suite.config.settings import Option, Planned, Settings
from normeq.suite.config.yaml_files import no_key_twice
from normeq.suite.measuring.registry import Measurement, is_section


def read_settings(kind: Measurement, given: Mapping[str, Any], where: str) -> Settings:
    """Settings from a mapping as a config or JSON has it, defaults filled in.

    Args:
        where: what messages begin with.

    Raises:
        NormeqError: a key that is unknown or missing, a bad value, or settings that do not fit together; one
            line that names the key.
    """
    settings = kind.settings.model_validate(resolve(dict(given), schema_of(kind.settings), where))

    def fail(key: str, message: str) -> None:
        raise NormeqError(f"{where}: {key}: {message}")

    settings.check(fail)
    return settings


def settings_from(kind: Measurement, given: Mapping[str, Any], text: str | None) -> Settings:
    """Settings from options, or from ``--settings``.

    Raises:
        NormeqError: both are given, or as :func:`read_settings`.
    """
    options = _given(kind.settings, given)
    if text is None:
        for where, name, field in _fields(kind.settings):
            default = _option(name, field).default
            target = options
            if default is not None and not where:
                target.setdefault(name, default)
        return read_settings(kind, options, kind.command)
    if options:
        raise NormeqError(f"{kind.command}: give either --settings or options, not both")
    try:
        content = json.loads(text, object_pairs_hook=no_key_twice)
    except (ValueError, RecursionError) as error:
        raise NormeqError(f"{kind.command}: --settings is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise NormeqError(f"{kind.command}: --settings must be a mapping")
    return read_settings(kind, content, kind.command)


def parameters(settings: type[Settings]) -> Iterator[inspect.Parameter]:
    """One parameter for each setting, and each of its parts, of a function that Typer makes a command of."""
    for where, name, field in _fields(settings):
        option = _option(name, field)
        shape = _shape(field.annotation)
        default = field.default if option.default is None else option.default
        text = field.description or ""
        text += (" Numbers separated by commas." if shape.numbers else "") + (
            " Repeat for more." if shape.repeated else ""
        )
        if default not in (None, [], PydanticUndefined):
            text += f" Default: {_words(default)}."
        annotation = (list[shape.kind] if shape.repeated else shape.kind) | None
        declared = typer.Option(option.name, help=text)
        yield inspect.Parameter(
            "__".join([*where, name]),
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[annotation, declared],
        )


class _Shape:
    """How a setting is written on the command line.

    Attributes:
        kind: type of one word.
        repeated: whether the option may be given several times.
        numbers: how many numbers one word holds, separated by commas; 0 for a single value.
    """

    def __init__(self, kind: type, repeated: bool, numbers: int, number: type = float) -> None:
        self.kind, self.repeated, self.numbers, self.number = kind, repeated, numbers, number


def _shape(annotation: Any) -> _Shape:
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next(part for part in get_args(annotation) if part is not type(None))
        else:
            break
    if get_origin(annotation) is list:
        inner = _shape(get_args(annotation)[0])
        return _Shape(inner.kind, True, inner.numbers, inner.number)
    if get_origin(annotation) is Literal:
        return _Shape(str, False, 0)
    if get_origin(annotation) is tuple:
        parts = get_args(annotation)
        return _Shape(str, False, len(parts), _shape(parts[0]).kind)
    if hasattr(annotation, "_fields"):  # a NamedTuple
        return _Shape(str, False, len(annotation._fields), int)
    return _Shape(annotation, False, 0)


def _option(name: str, field: FieldInfo) -> Option:
    marks = [mark for mark in field.metadata if isinstance(mark, Option)]
    return marks[0] if marks else Option(f"--{name.replace('_', '-')}")


def _fields(
    settings: type[Settings], where: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str, FieldInfo]]:
    """Every setting, those of sections too: path of the section, name, field."""
    for name, field in settings.model_fields.items():
        section = next(
            (part for part in (field.annotation, *get_args(field.annotation)) if is_section(part)), None
        )
        if section is not None:
            yield from _fields(section, (*where, name))
        elif not any(isinstance(mark, Planned) for mark in field.metadata):
            yield where, name, field


def _given(settings: type[Settings], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of the settings, as a config would have it."""
    found: dict[str, Any] = {}
    for where, name, field in _fields(settings):
        value = given.get("__".join([*where, name]))
        if value is None or value == []:
            continue
        option, shape = _option(name, field), _shape(field.annotation)
        if shape.numbers:
            words = value if shape.repeated else [value]
            value = [_numbers(word, shape, option.name) for word in words]
            value = value if shape.repeated else value[0]
        section = found
        for key in where:
            section = section.setdefault(key, {})
        section[name] = value
    return found


def _numbers(text: str, shape: _Shape, option: str) -> list[Any]:
    try:
        numbers = [shape.number(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != shape.numbers:
        raise NormeqError(f"{option}: expected {shape.numbers} numbers separated by commas, got {text!r}")
    return numbers


def _words(default: Any) -> str:
    return (
        " ".join(f"{x:g}" if isinstance(x, float) else str(x) for x in default)
        if isinstance(default, list)
        else f"{default:g}"
        if isinstance(default, float)
        else str(default)
    )
