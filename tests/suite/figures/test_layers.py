"""The diagram's worked example is true of the layers of the library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from normeq.nn.sort import SortPool
from normeq.suite.figures import layers
from normeq.suite.figures.style import paper_style
from normeq.suite.figures.worked_example import (
    AFFINE,
    BIAS,
    FREE,
    PATCH,
    SCALE,
    SHIFT,
    equivariant,
    ordinary,
    plotted,
)


def through_torch(patch: np.ndarray, kernels: np.ndarray, bias: np.ndarray | None, activation) -> np.ndarray:
    x, w = torch.tensor(patch)[None, None], torch.tensor(kernels)[:, None]
    z = torch.nn.functional.conv2d(x, w, None if bias is None else torch.tensor(bias))
    return activation(z).flatten().numpy()


def test_the_numbers_are_those_of_the_library() -> None:
    for patch in (PATCH, SCALE * PATCH + SHIFT):
        np.testing.assert_allclose(ordinary(patch)[1], through_torch(patch, FREE, BIAS, torch.nn.ReLU()))
        np.testing.assert_allclose(equivariant(patch)[1], through_torch(patch, AFFINE, None, SortPool()))
    np.testing.assert_allclose(AFFINE.sum(axis=(1, 2)), 1)


def test_the_example_shows_what_it_should() -> None:
    numbers = plotted().set_index(["layer", "input", "channel"]).sort_index()
    changed = f"{SCALE:g}x + {SHIFT:g}"
    norm, free = numbers.loc[("norm", changed)], numbers.loc[("ordinary", changed)]
    np.testing.assert_allclose(norm["y"], norm["expected"])
    assert (free["y"] - free["expected"]).abs().min() > 0.1
    z = numbers.loc[("norm", "x"), "z"].to_numpy()
    assert z[0] > z[1]  # so that the sort has something to do
    assert (numbers.loc[("ordinary", "x"), "z"] < 0).any()  # and the ReLU too


def test_formulas_and_numbers_are_text_and_stay_on_the_page(tmp_path: Path, svg_text) -> None:
    paths = layers.make(tmp_path / "layers")
    text = svg_text(paths[0])
    for words in (
        "convolution + ReLU", "affine convolution + sort pooling", "Σ w = 1.0", "y = max(0, z)", "min", "max",
        "y = sort(z₁, z₂)", "z = w ∗ x + b", "y(λx + μ) = λ·y(x) + μ", "input x",
    ):  # fmt: skip
        assert words in text, words
    for value in plotted()["y"]:
        assert f"{value:.2f}" in text
    assert [path.read_bytes() for path in layers.make(tmp_path / "again")] == [
        path.read_bytes() for path in paths
    ]


@pytest.mark.parametrize("name", ["ordinary", "norm"])
def test_no_text_overlaps_another(name: str) -> None:
    with paper_style():
        figure = layers.draw()
        figure.canvas.draw()
        page = figure.bbox
        half = [t for t in figure.axes[0].texts if (t.get_position()[0] < 50) == (name == "ordinary")]
        boxes = [(t.get_text(), t.get_window_extent()) for t in half]
    for i, (text, box) in enumerate(boxes):
        assert page.x0 < box.x0 and box.x1 < page.x1 and page.y0 < box.y0 and box.y1 < page.y1, text
        for other, second in boxes[i + 1 :]:
            assert not box.overlaps(second), (text, other)
