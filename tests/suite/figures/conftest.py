"""Tables and parts on disk, and a reader of the text in an SVG."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from normeq.suite.figures import intervals, noise_levels
from tests import synthetic
from tests.synthetic_parts import write_part

IMAGES = {"set12": 4, "bsd68": 5}
PAIRS = ((0, 1), (0, 0.5), (0, 255), (-1, 1), (10, 11))


@pytest.fixture(scope="session")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "noise_levels.csv"
    synthetic.noise_levels(images=IMAGES, sigmas=(5, 25, 50), draws=2).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def ranges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "intervals.csv"
    synthetic.intervals(images=IMAGES, pairs=PAIRS).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def levels_figure(levels: Path) -> Path:
    """The figure made from ``levels``, without suffix."""
    noise_levels.make(levels, levels.with_name("out") / "figure")
    return levels.with_name("out") / "figure"


@pytest.fixture(scope="session")
def ranges_figure(ranges: Path) -> Path:
    """The figure made from ``ranges``, without suffix."""
    intervals.make(ranges, ranges.with_name("out") / "figure")
    return ranges.with_name("out") / "figure"


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    return [write_part(tmp_path, variant) for variant in ("wrapped", "norm", "ordinary", "scale")]


@pytest.fixture
def svg_text() -> Callable[[Path], str]:
    """All text of an SVG in reading order, spaces single; text drawn as paths is not text."""

    def read(path: Path) -> str:
        words = [
            "".join(node.itertext())
            for node in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
        ]
        return re.sub(r"\s+", " ", " | ".join(words))

    return read


@pytest.fixture
def says(svg_text) -> Callable[..., None]:
    """Check that a figure has all these words, hard spaces read as spaces."""

    def check(svg: Path, *words: str) -> None:
        text = svg_text(svg).replace("\u00a0", " ")
        assert not [word for word in words if word not in text], text

    return check
