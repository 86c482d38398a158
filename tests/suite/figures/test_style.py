"""One look everywhere, kept in step with the variants of the library."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from normeq.errors import NormeqError
from normeq.nn.variants import VARIANTS
from normeq.suite.figures.style import (
    COLOURS,
    MARKERS,
    NOISY,
    OTHERS,
    PUBLISHED,
    line_styles,
    paper_style,
    save,
)
from normeq.suite.results.long_tables import VARIANT_ORDER
from normeq.suite.results.names import VARIANTS as NAMES


def test_every_variant_has_a_name_a_colour_and_a_marker() -> None:
    assert set(VARIANTS) == set(NAMES) == set(COLOURS) == set(MARKERS) == set(VARIANT_ORDER) - {"other"}
    assert len(set(MARKERS.values())) == len(MARKERS)


def luminance(colour: str) -> float:
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), to_rgb(colour), strict=True))


def test_colours_are_distinct_and_dark_enough_for_white_paper() -> None:
    colours = [*COLOURS.values(), *OTHERS, NOISY, PUBLISHED]
    assert len({c.upper() for c in colours}) == len(colours)
    assert all(luminance(colour) < 0.72 for colour in colours)


def test_a_variant_line_styles_the_same_in_every_table() -> None:
    small = pd.DataFrame({"network": ["a"], "variant": ["norm"]})
    large = pd.DataFrame(
        {"network": list("bbaa") + ["mine"], "variant": ["ordinary", "norm", "ordinary", "norm", "other"]}
    )
    one, many = line_styles(small), line_styles(large)
    for look in (one["a", "norm"], many["a", "norm"], many["b", "norm"]):
        assert (look.colour, look.marker) == (COLOURS["norm"], MARKERS["norm"])
    assert many["a", "norm"].line != many["b", "norm"].line
    assert one["a", "norm"].label == "normalization-equivariant"
    assert many["b", "norm"].label == "normalization-equivariant, b" and many["mine", "other"].label == "mine"


def test_the_users_settings_neither_enter_nor_are_lost() -> None:
    with mpl.rc_context({"font.size": 31, "axes.facecolor": "pink", "svg.fonttype": "path"}):
        with paper_style():
            assert mpl.rcParams["font.size"] == 9 and mpl.rcParams["axes.facecolor"] == "white"
            assert mpl.rcParams["svg.fonttype"] == "none" and mpl.rcParams["svg.hashsalt"] == "normeq"
        assert mpl.rcParams["font.size"] == 31 and mpl.rcParams["axes.facecolor"] == "pink"


def blank() -> Figure:
    return Figure(figsize=(1, 1))


def test_names_with_dots_and_full_precision(tmp_path: Path) -> None:
    numbers = pd.DataFrame({"x": [1 / 3, 1e-17]})
    with paper_style():
        paths = save(blank(), numbers, tmp_path / "new" / "sigma2.5")
        assert [p.name for p in paths] == ["sigma2.5.svg", "sigma2.5.png", "sigma2.5.csv"]
        assert pd.read_csv(paths[2])["x"].tolist() == [1 / 3, 1e-17]
        assert [p.name for p in save(blank(), numbers, tmp_path / "a.svg")] == ["a.svg", "a.png", "a.csv"]
    assert b"date" not in paths[0].read_bytes().lower() and b"Matplotlib" not in paths[1].read_bytes()


def test_nothing_is_written_where_something_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "figure.csv").mkdir()
    with paper_style(), pytest.raises(NormeqError, match="cannot write .*figure.csv"):
        save(blank(), pd.DataFrame({"x": [1]}), tmp_path / "figure")
    assert [p.name for p in tmp_path.iterdir()] == ["figure.csv"]
