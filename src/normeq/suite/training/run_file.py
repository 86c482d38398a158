"""Reading the description of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from normeq.errors import NormeqError
from normeq.suite.config.yaml_files import load_yaml
from normeq.training.spec import RunSpec


def read_spec(text: str) -> RunSpec:
    """Read a run from inline JSON, or from a YAML or JSON file (a ``run.json`` serves as well).

    Raises:
        NormeqError: no such file, not YAML, or a bad run; the cause is named.
    """
    source = "inline JSON" if text.lstrip().startswith("{") else text
    try:
        data = load_yaml(text if source != text else Path(text).read_bytes(), source, "YAML or JSON")
    except OSError as error:
        raise NormeqError(
            f"{source}: {error.strerror}; SPEC is a YAML or JSON file, or inline JSON"
        ) from None
    if isinstance(data, dict) and "spec" in data:
        data = data["spec"]
    return RunSpec.from_dict(data)


def within_minutes(spec: RunSpec, minutes: float) -> RunSpec:
    """The same run with its whole schedule fitted into a wall time, in place of a number of steps."""
    return replace(spec, recipe=replace(spec.recipe, steps=None, max_minutes=minutes))
