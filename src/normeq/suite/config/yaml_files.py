"""YAML that a user wrote: every mistake is one line, also a key given twice (PyYAML keeps the last)."""

from __future__ import annotations

from typing import Any

import yaml

from normeq.errors import NormeqError


class _Loader(yaml.SafeLoader):
    """Plain values alone, as ``yaml.safe_load`` makes them, and no key twice."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        # Before merge keys (<<) are put in their place: what they bring may be stated otherwise.
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                line, name = key.start_mark.line + 1, (key.tag, key.value)
                if name in lines:
                    where = f"line {line}" if line == lines[name] else f"lines {lines[name]} and {line}"
                    raise _TwiceError(f"the key {key.value!r} is given twice ({where}): keep one")
                lines[name] = line
        return node


class _TwiceError(Exception):
    """A key is given twice."""


def load_yaml(text: str | bytes, source: object, what: str = "YAML") -> Any:
    """The content of a YAML text.

    Args:
        text: str, or bytes in UTF-8.
        source: file or other origin, for messages.
        what: it should have been, for messages.

    Raises:
        NormeqError: it is not YAML, or has a key twice; the line names the source, and the key.
    """
    try:
        loader = _Loader(text.decode("utf-8") if isinstance(text, bytes) else text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except _TwiceError as error:
        raise NormeqError(f"{source}: {error}") from None
    except UnicodeDecodeError as error:
        raise NormeqError(f"{source} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except RecursionError:
        raise NormeqError(f"{source} is not {what} (brackets in brackets without end)") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:  # such as the date 2024-99-99
        raise NormeqError(f"{source} is not {what} ({' '.join(str(error).split())})") from None


def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``json.loads(object_pairs_hook=...)``, which keeps the last of two.

    Raises:
        ValueError: a key is given twice.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} is given twice: keep one")
    return content
