"""What typed settings are: sections with checks of their own, and marks on single settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from normeq.imaging.names import split_image


@dataclass(frozen=True)
class Option:
    """How a setting is called on the command line, where that is not ``--its-name``.

    Attributes:
        name: such as ``--interval``, for a list of which each option gives one entry.
        default: for people at the command line, where a config must say it; None for none.
    """

    name: str
    default: Any = None


@dataclass(frozen=True)
class Planned:
    """Marks a setting that says who is measured: the workflow reads it, ``evaluate`` does not get it."""


@dataclass(frozen=True)
class LeftOut:
    """Marks a setting that may be left out and then stays so: no default is written for it."""


class Settings(BaseModel):
    """Settings of one measurement, or of a part of one; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Settings that may only be left out (:class:`LeftOut`) are not null in the schema."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema)["properties"]
        for name, field in cls.model_fields.items():
            if any(isinstance(mark, LeftOut) for mark in field.metadata):
                part = properties[name]
                part.pop("default", None)
                kinds = [kind for kind in part.pop("anyOf", []) if kind.get("type") != "null"]
                part |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}
        return schema

    def check(self, fail: Callable[[str, str], None]) -> None:
        """Refuse what no schema sees: call ``fail(key, message)``, the key such as ``crop`` or
        ``pixels[2]``."""

    def check_compared(self, fail: Callable[[str, str], None]) -> None:
        """Refuse settings without what tables and figures compare with; a config is asked this, a command
        not."""

    def datasets_read(self) -> list[str]:
        """Data sets whose images are read, each once."""
        own = getattr(self, "datasets", None) or [split_image(self.image)[0]]
        return list(dict.fromkeys(own))


def unique(description: str, least: int = 1, **more: Any) -> Any:
    """A list without repetitions."""
    return Field(min_length=least, description=description, json_schema_extra={"uniqueItems": True}, **more)
