"""Configs that differ from another one."""

import copy
from typing import Any


def changed(config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with changes such as ``train__recipe__steps=5``."""
    config = copy.deepcopy(config)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = config
        for key in parents:
            place = place[key]
        place[last] = value
    return config
