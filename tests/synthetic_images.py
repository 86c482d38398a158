"""Files that stand for a data set, without a registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from normeq.suite.data import listing
from normeq.suite.data.listing import ImageFile, Listing


def stand_for_data_sets(monkeypatch: pytest.MonkeyPatch, paths: Callable[[str], Sequence[Path]]) -> None:
    """Let every data set consist of the files ``paths(name)``, under their stems."""

    def list_images(name: str, data_dir: Path | str = "data") -> Listing:
        return Listing(tuple(ImageFile(name, path.stem, path, Path(path.name)) for path in paths(name)))

    monkeypatch.setattr(listing, "list_images", list_images)
