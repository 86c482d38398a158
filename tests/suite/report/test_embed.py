"""Figures inside the page: drawings as they are, photographs without loss where that is much smaller."""

import base64
import io
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from normeq.errors import NormeqError
from normeq.suite.report.embed import embed_figure

DRAWING = "<svg xmlns='http://www.w3.org/2000/svg'><text>50 % of \"a\" &amp; #1, σ</text></svg>"


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition("base64,")[2]))))


@pytest.fixture
def figure(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "figure.png")
    (tmp_path / "figure.svg").write_text(DRAWING, encoding="utf-8")
    return tmp_path / "figure.svg", image


def test_a_drawing_stays_a_drawing(figure):
    uri = embed_figure(figure[0])
    assert uri.startswith("data:image/svg+xml,") and unquote(uri.partition(",")[2]) == DRAWING
    assert not set(uri) & set('<>"#')


def test_a_large_drawing_becomes_the_picture_beside_it_without_loss(figure):
    path, image = figure
    path.write_text(DRAWING + "<!-- " + "x" * 100_000 + " -->")
    np.testing.assert_array_equal(pixels(embed_figure(path)), image)
    path.with_suffix(".png").unlink()
    assert embed_figure(path).startswith("data:image/svg+xml,")


def test_a_picture_alone(figure):
    np.testing.assert_array_equal(pixels(embed_figure(figure[0].with_suffix(".png"))), figure[1])


@pytest.mark.parametrize(("name", "words"), [("no.svg", "No such file"), ("figure.pdf", "not a picture")])
def test_mistakes(figure, name, words):
    with pytest.raises(NormeqError, match=words):
        embed_figure(figure[0].with_name(name))


def test_pillow_without_webp_is_one_line(figure, monkeypatch):
    Image.init()
    monkeypatch.delitem(Image.SAVE, "WEBP")  # as where Pillow could not load it
    with pytest.raises(NormeqError, match="cannot write WebP"):
        embed_figure(figure[0].with_suffix(".png"))
